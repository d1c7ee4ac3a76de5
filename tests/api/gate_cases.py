"""Shapes of pods, and settings of migrations, that a gate has to suit."""

from tests.api.rest import Manifest

PLAIN = {"name": "app", "image": "registry.test/users:1"}
RICH = PLAIN | {
    "imagePullPolicy": "Always",
    "workingDir": "/srv",
    "command": ["serve"],
    "args": ["--fast"],
    "env": [
        {"name": "PGHOST", "value": "the-pooler"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "app", "key": "token", "optional": True}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}},
        {"name": "URL", "value": "pg://$(PGHOST)/{{ not a template }}"},
    ],
    "envFrom": [{"prefix": "APP_", "configMapRef": {"name": "app", "optional": True}}],
    "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
    "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "startupProbe": {"httpGet": {"path": "/", "port": "http"}},
    "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 12345},
    "volumeMounts": [
        {"name": "work", "mountPath": "/work", "subPath": "a"},
        {"name": "work", "mountPath": "/tmp", "readOnly": True},
    ],
}
WORK: Manifest = {"volumes": [{"name": "work", "emptyDir": {}}]}
LOGIN = {"userFrom": {"name": "db", "key": "user"}, "passwordFrom": {"name": "db", "key": "password"}}
PROXY = {"name": "proxy", "image": "registry.test/proxy:1", "restartPolicy": "Always"}
BEFORE, AFTER = {"name": "unpack", "image": "registry.test/unpack:1"}, {"name": "warm", "image": "registry.test/warm:1"}
EVERYTHING: Manifest = {
    "alembic": {
        "config": "backend/alembic.ini",
        "section": "users",
        "target": "billing@head",
        "xArguments": ["tenant=acme", "--loud"],
        "python": "/venv/bin/python",
    },
    "database": {
        "host": "db.test",
        "port": 6432,
        "name": "shop",
        "schema": "users",
        "role": "owner",
        "history": "Enabled",
        "sslMode": "require",
        **LOGIN,
    },
    "policy": {
        "databaseAhead": "Block",
        "lockTimeout": "5s",
        "statementTimeout": "1m",
        "deadline": "2h",
        "downgrade": "Allow",
    },
}
CASES: dict[str, Manifest] = {
    "env-py": {"migration": {}},
    "host": {"migration": {"database": {"host": "db.test", "name": "shop", "userFrom": LOGIN["userFrom"]}}},
    "url": {"migration": {"database": {"urlFrom": {"name": "db", "key": "url"}}}, "containers": [RICH], **WORK},
    "stateful-set": {
        "migration": {"database": {"statefulSetRef": {"name": "postgres"}, "name": "shop", **LOGIN}},
        "server": {"host": "postgres-headless.shop.svc", "port": 5433},
    },
    "everything": {"migration": EVERYTHING, "containers": [RICH, PLAIN | {"name": "second"}], **WORK},
    "runs-it": {
        "migration": EVERYTHING
        | {"strategy": "InitContainer", "policy": EVERYTHING["policy"] | {"downgrade": "Forbid"}},
        "containers": [RICH],
        **WORK,
    },
    "tenants": {
        "migration": {
            "database": {"host": "db.test", "name": "shop", "userFrom": LOGIN["userFrom"]},
            "tenants": {
                "names": ["acme", 'odd "name"', "ünï \\ <s> & 's"],
                "shared": {"target": "shared@head"},
                "rollout": {"canary": ["1%"], "maxParallel": 4, "maxFailures": 3},
            },
        }
    },
    "tenants-by-query": {
        "migration": {
            "database": {"host": "db.test", "name": "shop", "userFrom": LOGIN["userFrom"]},
            "tenants": {"query": "SELECT name\n\tFROM customer", "rollout": {"maxFailures": 0}},
        }
    },
    "tenants-on-servers": {
        "migration": {
            "database": {"host": "db.test", "name": "shop", "userFrom": LOGIN["userFrom"]},
            "tenants": {
                "pattern": "ws%",
                "servers": [
                    {"name": "eu"},
                    {"name": "us-1", "host": "us.test", "port": 6432, "userFrom": LOGIN["userFrom"]},
                    {"name": "ap", "urlFrom": LOGIN["userFrom"]},
                ],
            },
        }
    },
    "native-sidecar": {"migration": {}, "first": [BEFORE, PROXY], "then": [AFTER]},
}
