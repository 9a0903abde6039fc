# syntax=docker/dockerfile:1
# glibc: the Temporal SDK's native core does not run on musl.
FROM node:22.23.3-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run --silent build \
  && npm prune --omit=dev \
  # The SDK ships its core for five platforms; the image needs its own.
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m | sed 's/arm64/aarch64/')-unknown-linux-gnu" -exec rm -rf {} +

FROM node:22.23.3-bookworm-slim
# The SDK's core verifies TLS with the system's certificates.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps HEALTH_ADDRESS=127.0.0.1:9465
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY scripts/serve.mjs scripts/healthy.mjs scripts/
RUN mkdir -p /var/lib/sandbox && chown node:node /var/lib/sandbox
USER node
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "scripts/healthy.mjs"]
ENTRYPOINT ["node", "scripts/serve.mjs"]
CMD ["worker"]
