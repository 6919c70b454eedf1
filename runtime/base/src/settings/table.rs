//! Every environment variable that a server reads, in the order of `docs/settings.md`.

use std::time::Duration;

use super::Unset::{ByEnvironment, Otherwise, Value};
use super::{Setting, Takes, Unset};

macro_rules! table {
    ($($group:literal { $($name:ident: $takes:expr, $unset:expr, $meaning:literal;)* })*) => {
        $($(
            pub static $name: Setting =
                Setting { name: stringify!($name), group: $group, takes: $takes, unset: $unset, meaning: $meaning };
        )*)*
        pub static ALL: &[&Setting] = &[$($(&$name,)*)*];
    };
}

const NONE: Unset = Otherwise("none");

const fn number(unit: &'static str, least: u32, most: u32) -> Takes {
    Takes::Number { unit, least, most }
}

/// Shorter than the request timeout, whose error says less.
const STATEMENT: Takes = Takes::Time { least: Duration::from_millis(1), most: Duration::from_secs(29) };
const POSTGRES: Takes = Takes::Secret("an address like `postgres://user:password@host/database`");
const ADDRESS: Takes = Takes::Text("an address and a port, like `127.0.0.1:4000` or `0.0.0.0:8080`");
const RATE: Takes = Takes::Text("`off`, or 1 to 1000000 in an `s`, `min` or `h`, like `600/min`");
const SECRET: Takes = Takes::Secret("32 random bytes or more: the output of `openssl rand -base64 32`");

table! {
    "The server" {
        TYPECASE_ENV: Takes::OneOf(&["production", "development"]), Value("production"),
            "`development` serves GraphiQL and needs no secret.";
        TYPECASE_ADDRESS: ADDRESS, Value("127.0.0.1:4000"), "The address to listen on.";
        PORT: number("", 1, 65_535), NONE, "The port to listen on, on all IPv4 addresses, if `TYPECASE_ADDRESS` is not set.";
        TYPECASE_HEALTH_ADDRESS: ADDRESS, Otherwise("only on the main address"),
            "A separate address for `/health` and `/ready`, and nothing else.";
        TYPECASE_METRICS_ADDRESS: ADDRESS, Otherwise("nowhere"),
            "The address of `/metrics` for Prometheus, and nothing else; keep it from the public (`docs/operations.md`).";
        TYPECASE_PUBLIC_URL: Takes::Text("scheme, host and port, like `https://shop.example`"),
            Otherwise("`http://` and the address that the server listens on"),
            "The public address of the site, for tokens, links in mails, and cookies.";
        TYPECASE_SECRET: SECRET, Otherwise("required in production"),
            "Seals keys in the database; the same on every node.";
        TYPECASE_SECRET_PREVIOUS: SECRET, NONE,
            "The previous secret, which still opens what it has sealed, but seals nothing new (`docs/auth.md`).";
        TYPECASE_DEV_TOKEN: Takes::Secret("16 characters or more, none of them a space"), NONE,
            "Anyone with this token is an administrator; refused in production.";
        RUST_LOG: Takes::Text("`tracing` directives, like `warn` or `info,sqlx=debug`"), Value("info,sqlx=warn,hyper=warn"),
            "Which messages are logged.";
        TYPECASE_LOG: Takes::OneOf(&["text", "json"]), Value("text"), "The format of the log: text, or one JSON object per line.";
        SSL_CERT_FILE: Takes::Text("a file of certificates (PEM)"), Otherwise("those of the system"),
            "The certificates trusted for TLS to other providers, the mail server, Redis and a trace collector.";
    }
    "Traces" {
        OTEL_EXPORTER_OTLP_ENDPOINT: Takes::Text("an address like `http://collector:4318` or `https://otlp.example`, to which `/v1/traces` is added"),
            Otherwise("nothing is traced"),
            "The address to which traces are sent, as OTLP over HTTP (`docs/operations.md`); needs a server with the feature `otlp`.";
        OTEL_EXPORTER_OTLP_HEADERS: Takes::Secret("`name=value`, separated by commas; write a space as `%20`"), NONE,
            "Headers that are sent with traces, such as an API key.";
        OTEL_SERVICE_NAME: Takes::Text("a name"), Otherwise("the site's name"), "The name of the server in traces.";
        OTEL_TRACES_SAMPLER_ARG: Takes::Text("a number from `0` to `1`"), Value("1"),
            "The share of traces that are kept; a request with a `traceparent` is traced if that says so.";
    }
    "The database" {
        DATABASE_URL: POSTGRES, Otherwise("required; in development a private database"),
            "The PostgreSQL database, version 14 or newer.";
        TYPECASE_READ_CONNECTIONS: number("connections", 1, 1000), Value("10"),
            "The pool for reads by users and API tokens, and for the look-up of tokens.";
        TYPECASE_WRITE_CONNECTIONS: number("connections", 2, 1000), Value("5"),
            "The pool for writes, sign-in and accounts.";
        TYPECASE_PUBLIC_CONNECTIONS: number("connections", 1, 1000), Value("10"),
            "The pool for reads by anonymous visitors.";
        TYPECASE_STATEMENT_TIMEOUT: STATEMENT, Value("10s"), "The longest time for a statement.";
        TYPECASE_PUBLIC_STATEMENT_TIMEOUT: STATEMENT, Value("5s"), "The longest time for a statement of an anonymous visitor.";
        TYPECASE_SLOW_STATEMENT: Takes::Time { least: Duration::from_millis(1), most: Duration::from_secs(60) }, Value("1s"),
            "The time from which a statement is logged as slow, without its text and values.";
        TYPECASE_PUBLIC_ROLE: Takes::Text("a name of lower-case letters, digits and `_`, or `none` for the server's own role"),
            Value("typecase_public"),
            "The PostgreSQL role for anonymous reads (`docs/operations.md`).";
        TYPECASE_PUBLIC_DATABASE_URL: POSTGRES, Otherwise("the login of `DATABASE_URL`"),
            "A separate login for anonymous reads (`docs/operations.md`).";
    }
    "Events and jobs" {
        TYPECASE_JOBS: number("jobs", 0, 64), Value("2"),
            "The number of jobs that this node runs at once; with 0 it runs none and follows no events (`docs/operations.md`).";
        TYPECASE_EVENTS_KEEP: number("days", 0, 3650), Value("7"), "How long events are kept after all consumers have handled them.";
    }
    "Webhooks" {
        TYPECASE_WEBHOOK_ALLOWED_NETWORKS: Takes::Text("networks and addresses, separated by commas, like `10.1.0.0/16`"), NONE,
            "Networks that are not of the public internet, to which webhooks may be sent nevertheless, by `http` as well (`docs/webhooks.md`).";
    }
    "Rate limits and connections" {
        TYPECASE_RATE: RATE, ByEnvironment { production: "600/min", development: "off" },
            "The limit of requests by actor or address; an expensive operation counts as several (`docs/operations.md`).";
        TYPECASE_SIGN_IN_RATE: RATE, ByEnvironment { production: "10/min", development: "off" },
            "The limit of sign-in attempts.";
        REDIS_URL: Takes::Secret("an address like `redis://host:6379`, or `rediss://user:password@host:6379` for TLS"),
            Otherwise("each node counts for itself"),
            "Redis or Valkey, in which all nodes share their counts (`docs/operations.md`).";
        TYPECASE_REDIS_CA: Takes::Text("a file of certificates (PEM)"), Otherwise("those that `SSL_CERT_FILE` names"),
            "The only certificates trusted for TLS to Redis.";
        TYPECASE_REDIS_CLUSTER: Takes::OneOf(&["on", "off"]), Value("off"),
            "Whether `REDIS_URL` is a cluster; it may then name several nodes, separated by commas.";
        TYPECASE_TRUSTED_PROXIES: Takes::Text("networks and addresses, separated by commas, like `10.0.0.0/8`"), NONE,
            "The proxies that are trusted to report the client's address.";
        TYPECASE_FORWARDED_HEADER: Takes::OneOf(&["x-forwarded-for", "forwarded"]), Value("x-forwarded-for"),
            "The header in which those proxies write the client's address.";
        TYPECASE_HTTP_CONNECTIONS: number("connections", 16, 1_000_000), Value("4096"),
            "The most client connections; the system's limit of open files may allow fewer.";
        TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS: number("connections", 1, 1_000_000), Value("1024"),
            "The most connections of one address; at most `TYPECASE_HTTP_CONNECTIONS`.";
        TYPECASE_SUBSCRIPTIONS: number("subscriptions", 0, 1_000_000), Value("2000"),
            "The most subscriptions of this node, and the most WebSockets (`docs/subscriptions.md`); 0 allows none.";
        TYPECASE_SUBSCRIPTIONS_PER_CLIENT: number("subscriptions", 1, 1_000_000), Value("100"),
            "The most subscriptions of a user or an API token, and of one address without either.";
        TYPECASE_SUBSCRIPTIONS_PER_CONNECTION: number("operations", 1, 10_000), Value("50"),
            "The most operations at once on one WebSocket.";
    }
    "Memory and time of requests" {
        TYPECASE_RESPONSE_LIMIT: number("MiB", 1, 1024), Value("8"), "The most memory for one response.";
        TYPECASE_RESPONSE_MEMORY: number("MiB", 4, 65_536), Value("48"),
            "The most memory for all responses until they are sent; at least four times `TYPECASE_RESPONSE_LIMIT`.";
        TYPECASE_RESPONSE_TIME: number("seconds", 1, 3600), Value("20"),
            "How long a client may leave a response unread.";
        TYPECASE_BODY_MEMORY: number("MiB", 8, 65_536), Value("32"), "The most memory for the bodies of all requests.";
        TYPECASE_PLAN_MEMORY: number("MiB", 1, 65_536), Value("32"), "The most memory for cached plans of documents.";
        TYPECASE_CACHE: number("MiB", 0, 65_536), Value("32"),
            "The most memory for cached responses to visitors (`docs/caching.md`); 0 caches none.";
        TYPECASE_CACHE_MODE: Takes::OneOf(&["bounded", "strict"]), Value("bounded"),
            "How fresh cached responses are on nodes that did not make a change: within a second, or with `REDIS_URL` at once.";
        TYPECASE_MAX_AGE: number("seconds", 0, 31_536_000), Value("0"),
            "How long browsers and other caches may show a cached response to GET without asking (`docs/caching.md`).";
        TYPECASE_SHARED_MAX_AGE: number("seconds", 0, 31_536_000), Value("0"),
            "The same for CDNs, instead of `TYPECASE_MAX_AGE` if it is not 0.";
        TYPECASE_STALE_WHILE_REVALIDATE: number("seconds", 0, 31_536_000), Value("0"),
            "How much longer caches may show it while they ask.";
        TYPECASE_COMPRESSION: Takes::OneOf(&["on", "off"]), Value("on"),
            "Whether responses are compressed (`docs/caching.md`); `off` where a proxy does it.";
    }
    "Search" {
        TYPECASE_SEARCH_URL: Takes::Secret("an address like `http://host:9200`, or `https://user:password@host:9200`"),
            Otherwise("PostgreSQL searches alone"),
            "A search engine with the API of Elasticsearch or OpenSearch, for all nodes (`docs/search.md`).";
        TYPECASE_SEARCH_PREFIX: Takes::Text("1 to 40 small letters, digits and `_`, a letter first"), Value("typecase"),
            "What the names of its indexes begin with; each site has its own.";
        TYPECASE_SEARCH_TIMEOUT: Takes::Time { least: Duration::from_millis(10), most: Duration::from_secs(10) }, Value("300ms"),
            "For its answer; then PostgreSQL answers.";
    }
    "A CDN" {
        TYPECASE_PURGE: Takes::OneOf(&["off", "fastly", "cloudflare", "cloudfront", "hook"]), Value("off"),
            "Which CDN is told what to remove when entries change (`docs/caching.md`).";
        TYPECASE_PURGE_ID: Takes::Text("an id"), Otherwise("required, except with `hook`"),
            "The id of the Fastly service, the Cloudflare zone or the CloudFront distribution.";
        TYPECASE_PURGE_TOKEN: Takes::Secret("an API token; for CloudFront `ACCESS_KEY_ID:SECRET_ACCESS_KEY`"),
            Otherwise("required, except with `hook`"), "What allows it.";
        TYPECASE_PURGE_URL: Takes::Text("an address"), Otherwise("the service's own; required with `hook`"),
            "The address of the API, or of a receiver of the site's own.";
    }
    "Clients" {
        TYPECASE_CORS_ORIGINS: Takes::Text("`*`, `none`, or origins separated by commas, like `https://shop.example`"),
            Value("*"), "The origins of pages that may read responses; with `*`, any page may, but without cookies.";
        TYPECASE_CORS_HEADERS: Takes::Text("`*`, or names of headers, separated by commas"), NONE,
            "Headers that those pages may send in addition to those of GraphQL clients and of tracing.";
        TYPECASE_INTROSPECTION: Takes::OneOf(&["on", "signed-in", "off"]),
            ByEnvironment { production: "signed-in", development: "on" },
            "Who may use introspection.";
        TYPECASE_DOCUMENTS: Takes::Text("a manifest, or a folder of manifests and `.graphql` files"), NONE,
            "Documents that clients can request by their id.";
        TYPECASE_DOCUMENTS_MODE: Takes::OneOf(&["only", "also"]),
            ByEnvironment { production: "only", development: "also" },
            "Whether only those documents are answered; without effect if `TYPECASE_DOCUMENTS` is not set.";
    }
    "Mail" {
        TYPECASE_SMTP_URL: Takes::Secret("`smtps://user:password@host`, or `smtp://host:587?tls=required`"),
            Otherwise("no mail: the response to an invitation has its link"),
            "The mail server.";
        TYPECASE_MAIL_FROM: Takes::Text("an address like `Shop <shop@example.com>`"),
            Otherwise("required with `TYPECASE_SMTP_URL`"), "The sender of mails.";
        TYPECASE_MAIL_TEMPLATES: Takes::Text("a folder with `invitation.txt`, `reset.txt` or both"),
            Otherwise("the server's own, in English"), "The site's own mail templates (`docs/auth.md`).";
    }
    "Sign-in with other providers" {
        TYPECASE_OIDC: Takes::Text("names separated by commas: 1 to 32 lower-case letters and digits each"), NONE,
            "OpenID Connect providers (`docs/auth.md`); each has the settings below, where `NAME` is its name in capitals.";
        TYPECASE_OIDC_NAME_ISSUER: Takes::Text("an address with `https`, without `?` and `#`; `http` only on this machine"),
            Otherwise("required"), "The issuer, exactly as the provider writes it, with or without a final slash.";
        TYPECASE_OIDC_NAME_CLIENT_ID: Takes::Text("text"), Otherwise("required"), "The client id of this site at the provider.";
        TYPECASE_OIDC_NAME_CLIENT_SECRET: Takes::Secret("text"), Otherwise("a public client"),
            "The client secret of this site at the provider.";
        TYPECASE_OIDC_NAME_SCOPES: Takes::Text("words separated by spaces"), Value("openid email profile"),
            "The scopes to request.";
        TYPECASE_OIDC_NAME_ROLE: Takes::Text("a role of the schema"),
            Otherwise("new users are refused, unless an account has their address"),
            "The role of users who sign in for the first time.";
        TYPECASE_OIDC_NAME_ROLE_CLAIM: Takes::Text("the path of a claim: `groups`, `realm_access.roles`"), NONE,
            "The claim that lists the groups of a user.";
        TYPECASE_OIDC_NAME_ROLES: Takes::Text("`group=role`, separated by commas"), NONE,
            "The first group that a user is in determines their role at each sign-in; users in none get that of `ROLE`, or are refused.";
        TYPECASE_OIDC_NAME_LINK: Takes::OneOf(&["on", "off"]), Value("on"),
            "Whether a sign-in opens an existing account with the same email address, if the provider has verified it.";
    }
}
