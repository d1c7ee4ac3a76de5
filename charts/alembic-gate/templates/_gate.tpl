{{/*
The gate that the operator's admission policy puts into a pod on Kubernetes 1.36 and newer, for your own pod template:

    {{- $gate := dict "container" $container "migration" .Values.migration "release" .Release }}
    metadata:
      annotations: {{- include "alembic-gate.annotations" $gate | nindent 8 }}
    spec:
      initContainers: {{- include "alembic-gate.initContainer" $gate | nindent 8 }}
      volumes: {{- include "alembic-gate.volume" $gate | nindent 8 }}

container: the container of this pod that the gate stands in for, as a dict.
migration: the spec of the DatabaseMigration, as a dict; its defaults may be left out.
release:   .Release, for the namespace of spec.database.statefulSetRef.
server:    optional, {host, port} of that StatefulSet; without it the Service is called like the StatefulSet, port 5432.
*/}}

{{/*
The init container, as a list of one. It must stand behind native sidecars that lead to the database, and before
everything else.
*/}}
{{- define "alembic-gate.initContainer" -}}
{{- $mount := dict "name" "alembic-operator" "mountPath" "/alembic-operator/runner.pyz" "subPath" "runner.pyz" "readOnly" true -}}
{{- $gate := pick .container "image" "imagePullPolicy" "workingDir" "envFrom" "resources" "securityContext" -}}
{{- $_ := set $gate "name" "alembic-gate" -}}
{{- $_ := set $gate "command" (include "alembic-gate.command" .migration | fromYamlArray) -}}
{{- $_ := set $gate "volumeMounts" (append (.container.volumeMounts | default list) $mount) -}}
{{- with include "alembic-gate.environment" . | fromYamlArray -}}
{{- $_ := set $gate "env" . -}}
{{- end -}}
{{- list $gate | toYaml -}}
{{- end -}}

{{/* The volume that it mounts, as a list of one: the runner, which the operator keeps in each namespace with a migration. */}}
{{- define "alembic-gate.volume" -}}
- name: alembic-operator
  configMap:
    name: alembic-operator-runner
{{- end -}}

{{/* What the pod must say of its gate, as a dict: whose it is, and that it runs the migration, if it does. */}}
{{- define "alembic-gate.annotations" -}}
alembic-operator.dev/container: {{ .container.name | quote }}
{{- if eq (include "alembic-gate.strategy" .migration) "InitContainer" }}
alembic-operator.dev/strategy: InitContainer
{{- end }}
{{- end -}}

{{- define "alembic-gate.strategy" -}}
{{- .strategy | default (include "alembic-gate.defaults" . | fromYaml).strategy -}}
{{- end -}}

{{/* The runner's command line: only the flags that differ from their defaults. */}}
{{- define "alembic-gate.command" -}}
{{- $migration := . -}}
{{- $runs := eq (include "alembic-gate.strategy" .) "InitContainer" -}}
{{- $alembic := .alembic | default dict -}}
{{- $python := $alembic.python | default (include "alembic-gate.defaults" . | fromYaml).python -}}
{{- $command := list $python "/alembic-operator/runner.pyz" (ternary "upgrade" "gate" $runs) -}}
{{- range include "alembic-gate.flags" . | fromYamlArray -}}
{{- $value := $migration -}}
{{- range .field -}}
{{- $value = get ($value | default dict) . -}}
{{- end -}}
{{- if and $value .means -}}
{{- $value = .means -}}
{{- end -}}
{{- if and $value .members -}}
{{- $value = include "alembic-gate.json" (dict "given" $value "members" .members) -}}
{{- end -}}
{{- if and $value (ne $value .default) (or $runs (not .changes)) -}}
{{- $command = append $command (printf "%s=%s" .flag $value) -}}
{{- end -}}
{{- end -}}
{{- range $alembic.xArguments -}}
{{- $command = append $command (printf "-x=%s" .) -}}
{{- end -}}
{{- toYaml $command -}}
{{- end -}}

{{/* What is given of a dict, as JSON with the names, types and defaults that the runner reads. */}}
{{- define "alembic-gate.json" -}}
{{- $given := .given -}}
{{- $said := list -}}
{{- range $member := .members -}}
{{- $value := $given -}}
{{- range $member.field -}}
{{- $value = get ($value | default dict) . -}}
{{- end -}}
{{- if eq (toString $value) "" -}}
{{- $value = $member.default -}}
{{- end -}}
{{- if eq $member.kind "text" -}}
{{- $value = toString $value -}}
{{- else if eq $member.kind "number" -}}
{{- $value = int $value -}}
{{- else if eq $member.kind "objects" -}}
{{- $names := list -}}
{{- range $value -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $value = $names -}}
{{- end -}}
{{- $said = append $said (printf "%q:%s" $member.name (toRawJson $value)) -}}
{{- end -}}
{{- printf "{%s}" (join "," $said) -}}
{{- end -}}

{{/* Where the database is, under libpq's names, instead of the container's own variables of these names. */}}
{{- define "alembic-gate.environment" -}}
{{- $env := list -}}
{{- with .migration.database -}}
{{- if .urlFrom -}}
{{- $env = append $env (dict "name" "PGHOST" "value" "") -}}
{{- else -}}
{{- $server := include "alembic-gate.server" $ | fromYaml -}}
{{- $env = append $env (dict "name" "PGHOST" "value" $server.host) -}}
{{- $env = append $env (dict "name" "PGPORT" "value" (.port | default $server.port | int | toString)) -}}
{{- $env = append $env (dict "name" "PGDATABASE" "value" .name) -}}
{{- with .sslMode -}}
{{- $env = append $env (dict "name" "PGSSLMODE" "value" .) -}}
{{- end -}}
{{- end -}}
{{- $plain := list (list "PGHOST" "host") (list "PGPORT" "port") -}}
{{- $env = concat $env (include "alembic-gate.servers" (dict "migration" $.migration "pairs" $plain) | fromYamlArray) -}}
{{- range $pair := list (list "DATABASE_URL" .urlFrom) (list "PGUSER" .userFrom) (list "PGPASSWORD" .passwordFrom) -}}
{{- with last $pair -}}
{{- $env = append $env (dict "name" (first $pair) "valueFrom" (dict "secretKeyRef" (pick . "name" "key"))) -}}
{{- end -}}
{{- end -}}
{{- $secret := list (list "DATABASE_URL" "urlFrom") (list "PGUSER" "userFrom") (list "PGPASSWORD" "passwordFrom") -}}
{{- $env = concat $env (include "alembic-gate.servers" (dict "migration" $.migration "pairs" $secret) | fromYamlArray) -}}
{{- end -}}
{{- $own := list -}}
{{- range $env -}}
{{- $own = append $own .name -}}
{{- end -}}
{{- range .container.env -}}
{{- if not (has .name $own) -}}
{{- $env = append $env . -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* Where each of several servers is, in the order of the Job: what is plain, or what is secret. */}}
{{- define "alembic-gate.servers" -}}
{{- $env := list -}}
{{- $servers := (.migration.tenants | default dict).servers | default list -}}
{{- range $pair := .pairs -}}
{{- range $one := $servers -}}
{{- with get $one (last $pair) -}}
{{- $name := printf "%s_%s" (first $pair) $one.name -}}
{{- if kindIs "map" . -}}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" (pick . "name" "key"))) -}}
{{- else -}}
{{- $env = append $env (dict "name" $name "value" (kindIs "string" . | ternary . (toString (int .)))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{- define "alembic-gate.server" -}}
{{- $given := .server | default dict -}}
{{- $database := .migration.database -}}
{{- $host := $database.host -}}
{{- with $database.statefulSetRef -}}
{{- $host = $given.host | default (printf "%s.%s.svc" .name $.release.Namespace) -}}
{{- end -}}
{{- dict "host" $host "port" ($given.port | default 5432) | toYaml -}}
{{- end -}}
