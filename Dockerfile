# An image with the command: docker build -t sluice . && docker run --rm -v "$PWD:/data" sluice get URL
# Not built where this project is tested: there is no Docker there.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
# What is not needed at run time stays behind.
RUN npm run build -- --release \
 && npm pack --ignore-scripts --pack-destination /tmp \
 && mkdir /package \
 && tar -xzf /tmp/sluice-*.tgz -C /package --strip-components=1 \
 && cp package-lock.json /package/ \
 && cd /package \
 && npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
COPY --from=build /package /opt/sluice
RUN ln -s /opt/sluice/bin/run.js /usr/local/bin/sluice
# Files belong to whoever runs it: docker run --user "$(id -u):$(id -g)"
USER node
WORKDIR /data
# Part, journal and lock lie beside the target, in /data. What later runs learn from is not kept.
ENV SLUICE_STATE_DIR=/tmp/sluice SLUICE_CACHE_DIR=/tmp/sluice-cache
ENTRYPOINT ["sluice"]
CMD ["help"]
