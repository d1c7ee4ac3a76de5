"""What is known of the cluster, and who must look again when that changes.

News come in three ways: by a watch, by a list, and as the answer to an own write. All of them keep to one contract:

- Total: an object of any content is taken in, or left; nothing that is in it raises.
- By version: what is older than what is known is no news, nor is what is older than a deletion that is known.
- A list is the whole truth: what it does not have is forgotten, and what it has is believed also under an older
  version, as after a restored backup of etcd. Only what came while the list was on its way is newer than the list.
- Bounded: of what is gone a limited number is remembered, and of one object no more than a limit is kept.
"""

from alembic_operator.kube.cache.cache import Cache
from alembic_operator.kube.cache.keys import ImportKey, Key, Reference, workload_reference
from alembic_operator.kube.cache.versions import version
from alembic_operator.kube.cache.workloads import CachedWorkload

__all__ = ["Cache", "CachedWorkload", "ImportKey", "Key", "Reference", "version", "workload_reference"]
