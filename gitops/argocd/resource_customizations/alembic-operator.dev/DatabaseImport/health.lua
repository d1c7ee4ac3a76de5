-- Lua 5.1 with nothing but its basic functions: Argo CD opens no other library for a script of argocd-cm.

local function fields(value)
  if type(value) == "table" then
    return value
  end
  return {}
end

local health = {status = "Progressing", message = "The operator has not looked at this specification yet"}
local status = fields(obj.status)
-- What was said of an older specification counts for nothing. The API server itself starts with -1.
if status.observedGeneration == nil or status.observedGeneration ~= fields(obj.metadata).generation then
  return health
end

local isTrue = {}
for _, condition in ipairs(fields(status.conditions)) do
  condition = fields(condition)
  if condition.type ~= nil then
    isTrue[condition.type] = condition.status == "True"
  end
  -- All conditions tell the same reason; Ready is always there.
  if condition.type == "Ready" then
    health.message = tostring(condition.reason) .. ": " .. tostring(condition.message)
    if condition.reason == "Suspended" then
      health.status = "Suspended"
    end
  end
end

if isTrue.Stalled then
  health.status = "Degraded"
elseif isTrue.Ready and not isTrue.Reconciling then
  health.status = "Healthy"
end
return health
