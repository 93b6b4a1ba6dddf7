# The gateway on Node; also runs init.ts and migrate.ts of this folder. There is no build: the image is the sources.
FROM node:24.21.0-bookworm-slim AS docs
WORKDIR /app
COPY package.json package-lock.json ./
# The script of /docs, a package for development since the rest of it is of no use at run time.
RUN npm ci --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# Optional packages are Node itself, which the image has, and binaries of engines, which a gateway has no use for.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY --from=docs /app/node_modules/@scalar/api-reference/dist/browser/standalone.js node_modules/@scalar/api-reference/dist/browser/
COPY proto proto
COPY db db
COPY edge edge
COPY infra infra
# The name alone: init.ts lets workers pull the queue of the built-in model.
COPY models/june-chat/manifest.json models/june-chat/
USER node
EXPOSE 8000
CMD ["node", "edge/node/main.ts"]
