"""Run a health check as Argo CD does: under Lua 5.1, with the globals that it has there and no others."""

from typing import Any

import lupa.lua51

GLOBALS = """
_G _VERSION assert collectgarbage dofile error getfenv getmetatable ipairs load loadfile loadstring module newproxy next
package pairs pcall print rawequal rawget rawset require select setfenv setmetatable table tonumber tostring type unpack
xpcall
"""
"""Of Argo CD 3.6 for a script of argocd-cm: basic functions, `package` and `table`; not `string`, `math`, `os`, `io`.

gopher-lua adds two, _GOPHER_LUA_VERSION and _printregs, and Argo CD actionParams.
"""

_TAKE_AWAY = """
local kept = {}
for name in pairs(allowed) do kept[name] = true end
getmetatable("").__index = nil  -- no ("text"):upper()
for name in pairs(package.loaded) do if not kept[name] then package.loaded[name] = nil end end
for name in pairs(_G) do if not kept[name] then _G[name] = nil end end
"""


def health_of(script: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what the script says of an object."""
    lua = lupa.lua51.LuaRuntime(register_eval=False, register_builtins=False)
    lua.globals().allowed = lua.table_from(dict.fromkeys(GLOBALS.split(), True))
    lua.execute(_TAKE_AWAY)
    assert sorted(lua.globals()) == sorted(GLOBALS.split())
    lua.globals().obj = lua.table_from(manifest, recursive=True)
    return dict(lua.execute(script).items())
