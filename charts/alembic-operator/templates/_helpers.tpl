{{- define "alembic-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "alembic-operator.fullname" -}}
{{- $name := include "alembic-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "alembic-operator.selector" -}}
app.kubernetes.io/name: {{ include "alembic-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "alembic-operator.labels" -}}
{{ include "alembic-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "alembic-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "alembic-operator.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "alembic-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped, so that two releases of a namespace each need two names. */}}
{{- define "alembic-operator.clusterName" -}}
{{- $namespace := ternary (printf "%s-" .Release.Namespace) "" (not (empty .Values.watchNamespaces)) -}}
{{- printf "%s%s" $namespace (include "alembic-operator.fullname" .) -}}
{{- end -}}

{{- define "alembic-operator.gate" -}}
{{- printf "%s-gate" (include "alembic-operator.clusterName" .) -}}
{{- end -}}

{{/* Whether the operator looks if the gate's policies are there: it takes a right on the cluster. */}}
{{- define "alembic-operator.looksAtPolicies" -}}
{{- if and .Values.metrics.enabled .Values.gate.policies (not .Values.watchNamespaces) }}true{{ end -}}
{{- end -}}

{{/* The creation of pods. */}}
{{- define "alembic-operator.newPods" -}}
resourceRules:
  - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
{{- end -}}

{{/* In which namespaces: those that the operator serves. */}}
{{- define "alembic-operator.servedNamespaces" -}}
{{- with .Values.watchNamespaces }}
matchResources:
  namespaceSelector:
    matchExpressions:
      - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
{{- end }}
{{- end -}}

{{/* The container that the gate stands in for: CEL over a pod. */}}
{{- define "alembic-operator.container" -}}
object.metadata.?annotations[?'alembic-operator.dev/container'].orValue(object.spec.containers[0].name)
{{- end -}}

{{/* Whether the API server can put the gate into pods by itself: Kubernetes 1.36 and newer. */}}
{{- define "alembic-operator.injects" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
true
{{- end -}}
{{- end -}}

{{/* All that the operator may do, in the Role of a namespace and in the ClusterRole alike: exactly what its code calls. */}}
{{- define "alembic-operator.rules" -}}
- apiGroups: [alembic-operator.dev]
  resources: [databasemigrations, databaseimports]
  verbs: [list, watch]
- apiGroups: [alembic-operator.dev]
  resources: [databasemigrations/status, databaseimports/status]
  verbs: [patch]
- apiGroups: [alembic-operator.dev]
  # Asked where OwnerReferencesPermissionEnforcement is on, as on OpenShift.
  resources: [databasemigrations/finalizers, databaseimports/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch]
{{- if .Values.argoRollouts.enabled }}
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [get, list, watch]
{{- end }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [alembic-operator-runner]  # what gates and migration pods run; a patch that makes it needs create
  verbs: [list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
