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
{{- .strategy | default "Job" -}}
{{- end -}}

{{/* The runner's command line: only the flags that differ from their defaults. */}}
{{- define "alembic-gate.command" -}}
{{- $alembic := .alembic | default dict -}}
{{- $database := .database | default dict -}}
{{- $policy := .policy | default dict -}}
{{- $runs := eq (include "alembic-gate.strategy" .) "InitContainer" -}}
{{- $flags := list
      (list "config" "alembic.ini" $alembic.config)
      (list "section" "alembic" $alembic.section)
      (list "target" "heads" $alembic.target)
      (list "database" "env.py" (ternary "environment" "env.py" (not (empty $database))))
      (list "schema" "" $database.schema)
      (list "role" "" $database.role)
      (list "database-ahead" "Allow" $policy.databaseAhead)
      (list "history" "Disabled" $database.history)
-}}
{{- if $runs -}}
{{- $flags = concat $flags (list
      (list "lock-timeout" "2s" $policy.lockTimeout)
      (list "statement-timeout" "0s" $policy.statementTimeout)
      (list "deadline" "1h" $policy.deadline)
    ) -}}
{{- end -}}
{{- $command := list ($alembic.python | default "python3") "/alembic-operator/runner.pyz" (ternary "upgrade" "gate" $runs) -}}
{{- range $flags -}}
{{- $value := last . | default (index . 1) -}}
{{- if ne $value (index . 1) -}}
{{- $command = append $command (printf "--%s=%s" (first .) $value) -}}
{{- end -}}
{{- end -}}
{{- range $alembic.xArguments -}}
{{- $command = append $command (printf "-x=%s" .) -}}
{{- end -}}
{{- toYaml $command -}}
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
{{- range $pair := list (list "DATABASE_URL" .urlFrom) (list "PGUSER" .userFrom) (list "PGPASSWORD" .passwordFrom) -}}
{{- with last $pair -}}
{{- $env = append $env (dict "name" (first $pair) "valueFrom" (dict "secretKeyRef" (pick . "name" "key"))) -}}
{{- end -}}
{{- end -}}
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

{{- define "alembic-gate.server" -}}
{{- $given := .server | default dict -}}
{{- $database := .migration.database -}}
{{- $host := $database.host -}}
{{- with $database.statefulSetRef -}}
{{- $host = $given.host | default (printf "%s.%s.svc" .name $.release.Namespace) -}}
{{- end -}}
{{- dict "host" $host "port" ($given.port | default 5432) | toYaml -}}
{{- end -}}
