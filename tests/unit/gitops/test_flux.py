"""The manifests for Flux, as far as they can be judged without it."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
KUSTOMIZATIONS = list(yaml.safe_load_all((ROOT / "gitops" / "flux" / "kustomizations.yaml").read_text()))


def test_each_kustomization_waits_for_everything_in_it_and_for_the_one_before() -> None:
    names = [one["metadata"]["name"] for one in KUSTOMIZATIONS]
    needs = [[need["name"] for need in one["spec"].get("dependsOn", ())] for one in KUSTOMIZATIONS]
    assert names == ["shop-database", "shop-migration", "shop"]
    assert needs == [[], ["shop-database"], ["shop-migration"]]
    assert all(one["spec"]["wait"] for one in KUSTOMIZATIONS)


def test_the_page_for_flux_shows_the_same_expressions() -> None:
    page = (ROOT / "docs" / "howto" / "flux.md").read_text()
    shown = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert shown["healthCheckExprs"] == KUSTOMIZATIONS[1]["spec"]["healthCheckExprs"]
