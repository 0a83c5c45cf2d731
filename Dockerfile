# syntax=docker/dockerfile:1
# Sallyport as one small image: the built program, which holds its packages, and Node; nothing to build with.
#
#   /config   the policy: sallyport.yaml and services/ (mount your own over it, read-only)
#   /data     the key store (a volume); the only place that is written to
#   /app      the program
#
# The working folder is /, so that the default paths of gateway file and key store are /config/sallyport.yaml and /data/keys.db.

FROM node:26.10.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# no install script is needed to build: the project's own Node is this image's
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json build.ts ./
COPY src ./src
RUN npm run build && chmod 0755 dist/main.js

FROM node:26.10.0-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sallyport" \
      org.opencontainers.image.description="A policy gateway: authentication, permissions and tenants from YAML route tables" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/node:26.10.0-bookworm-slim"
ENV NODE_ENV=production \
    HEALTH_PORT=8081
COPY --from=build /app/dist /app/dist
COPY package.json LICENSE /app/
COPY config /app/config
COPY config /config
RUN ln -s /app/dist/main.js /usr/local/bin/sallyport \
 && install -d -o 1000 -g 1000 -m 0700 /data \
 && install -d -o 1000 -g 1000 /app/node_modules /app/node_modules/.cache
WORKDIR /
# What Node compiles of the program, for the user it runs as: the demo is started, stands still for a moment, and is stopped.
# Nobody but root may change it then.
USER 1000:1000
RUN timeout --signal=TERM 10 node /app/dist/main.js serve --demo > /dev/null || test "$?" -eq 124
USER 0:0
RUN test -n "$(ls /app/node_modules/.cache/sallyport)" && chown -R 0:0 /app/node_modules
VOLUME /data
# a number, so that Kubernetes can see that it is not root
USER 1000:1000
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# the gateway file's `health` door; set HEALTH_PORT where that has another port
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.HEALTH_PORT + '/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
