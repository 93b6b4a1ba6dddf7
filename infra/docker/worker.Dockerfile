# A worker that computes on CPUs, x64 or arm64, with the built-in model. There is no build: the image is the sources.
FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production UV_THREADPOOL_SIZE=16 NODE_LLAMA_CPP_SKIP_DOWNLOAD=true
WORKDIR /app
COPY package.json package-lock.json ./
# The lockfile brings Node too, which the image has.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node \
  && npm cache clean --force
COPY proto proto
COPY workers workers
COPY models/june-chat/manifest.json models/june-chat/june-chat-2M-Q8_0.gguf models/june-chat/
USER node
EXPOSE 9464
CMD ["node", "workers/main.ts"]
