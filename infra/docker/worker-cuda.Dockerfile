# A worker that computes on NVIDIA GPUs. Built by nobody yet: see docs/testing.md.
#
# The CUDA binaries are not in package-lock.json: its overrides keep them off laptops. So they come beside the lockfile,
# in the version that the lockfile has of node-llama-cpp itself:
#   x64    the published binary, which needs the CUDA 13 runtime
#   arm64  (DGX Spark) none is published: compiled from the sources inside the npm package, which needs the CUDA toolkit
ARG CUDA=13.0.1

FROM nvidia/cuda:${CUDA}-runtime-ubuntu24.04 AS cuda-amd64

FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS cuda-arm64
RUN apt-get update \
  && apt-get install -y --no-install-recommends build-essential cmake git ninja-build \
  && rm -rf /var/lib/apt/lists/*

FROM node:24.21.0-bookworm-slim AS node

FROM cuda-${TARGETARCH}
ARG TARGETARCH
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
  && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
ENV NODE_ENV=production UV_THREADPOOL_SIZE=16
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node
RUN set -eu; \
  if [ "$TARGETARCH" = amd64 ]; then \
    version=$(node -p 'require("./node_modules/node-llama-cpp/package.json").version'); \
    cd node_modules/@node-llama-cpp; \
    rm -rf linux-x64-cuda; \
    npm pack --silent "@node-llama-cpp/linux-x64-cuda@$version"; \
    tar xzf "node-llama-cpp-linux-x64-cuda-$version.tgz"; \
    mv package linux-x64-cuda; \
    rm "node-llama-cpp-linux-x64-cuda-$version.tgz"; \
  else \
    npx --no node-llama-cpp source download --gpu cuda; \
  fi; \
  npm cache clean --force
ENV NODE_LLAMA_CPP_SKIP_DOWNLOAD=true
COPY proto proto
COPY workers workers
COPY models/june-chat/manifest.json models/june-chat/june-chat-2M-Q8_0.gguf models/june-chat/
# Of the base image; its number is that of the `node` user of the other images.
USER ubuntu
EXPOSE 9464
CMD ["node", "workers/main.ts"]
