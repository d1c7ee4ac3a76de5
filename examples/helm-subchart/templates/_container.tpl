{{- define "users.container" -}}
name: users
image: {{ .Values.image }}
env:
  {{- range $name, $value := .Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
envFrom:
  - secretRef: {name: {{ .Values.secret }}}
ports: [{name: http, containerPort: 8080}]
readinessProbe:
  httpGet: {path: /healthz, port: http}
resources:
  requests: {cpu: 20m, memory: 64Mi}
  limits: {memory: 256Mi}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}
