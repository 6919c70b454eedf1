# The site's server as an image: built in one stage, and in the other nothing but the program and what TLS needs.
#
#   docker build -t typecase .
#   docker run --read-only -e DATABASE_URL=... -e TYPECASE_SECRET=... -p 4000:4000 typecase

ARG RUST=1.95

FROM rust:${RUST}-bookworm AS build
WORKDIR /site
ENV CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_DEBUG=none CARGO_INCREMENTAL=0

# Crates of others: a layer that only manifests change. Each crate of the workspace is empty here.
COPY Cargo.toml Cargo.lock ./
COPY app/Cargo.toml app/
COPY bench/Cargo.toml bench/
COPY codegen/Cargo.toml codegen/
COPY generated/Cargo.toml generated/
COPY runtime/Cargo.toml runtime/
COPY runtime/base/Cargo.toml runtime/base/
COPY runtime/cache/Cargo.toml runtime/cache/
COPY runtime/purge/Cargo.toml runtime/purge/
COPY runtime/events/Cargo.toml runtime/events/
COPY runtime/graphql/Cargo.toml runtime/graphql/
COPY runtime/identity/Cargo.toml runtime/identity/
COPY runtime/jobs/Cargo.toml runtime/jobs/
COPY runtime/migrate/Cargo.toml runtime/migrate/
COPY runtime/model/Cargo.toml runtime/model/
COPY runtime/search/Cargo.toml runtime/search/
COPY runtime/search-engine/Cargo.toml runtime/search-engine/
COPY runtime/store/Cargo.toml runtime/store/
COPY runtime/transfer/Cargo.toml runtime/transfer/
COPY runtime/web/Cargo.toml runtime/web/
COPY runtime/lifecycle/Cargo.toml runtime/lifecycle/
COPY runtime/webhooks/Cargo.toml runtime/webhooks/
COPY shop/Cargo.toml shop/
COPY shop/generated/Cargo.toml shop/generated/
COPY xtask/Cargo.toml xtask/
RUN set -eu; \
    for manifest in $(find . -mindepth 2 -name Cargo.toml); do \
        folder=$(dirname "$manifest")/src; mkdir -p "$folder"; touch "$folder/lib.rs"; echo 'fn main() {}' > "$folder/main.rs"; \
    done; \
    cargo build --release --locked --package typecase

COPY migrations migrations
COPY runtime runtime
COPY generated generated
COPY app app
# Those that were empty look newer than the files that have come, and cargo goes by that.
RUN find app generated migrations runtime -type f -exec touch {} + \
    && rm -f runtime/src/main.rs runtime/*/src/main.rs generated/src/main.rs app/src/lib.rs \
    && cargo build --release --locked --package typecase

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /site/target/release/typecase /usr/local/bin/typecase
# Everybody may ask; who stands before it sets the port that the world sees.
ENV TYPECASE_ADDRESS=0.0.0.0:4000
EXPOSE 4000
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/typecase"]
CMD ["serve"]
