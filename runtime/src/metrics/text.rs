//! `Scrape`: all series with their names, in the order in which they are written. `docs/operations.md` lists them in a table.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::backlog::Found;
use base::trace::Export;
use graphql::cache::Usage;
use store::{Pool, Statements, Taken, id};
use web::App;
use web::traffic::Histogram;
use webhooks::{Backlog, Results};

/// The most consumers and kinds of jobs that are shown: removed ones remain in the database of a site.
const MOST_NAMES: usize = 200;

pub struct Scrape {
    pub app: Arc<App>,
    pub found: Arc<Found>,
    /// Seconds since 1970.
    pub started: f64,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").field("found", &self.found).finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.requests(&mut page)?;
        self.refusals(&mut page)?;
        self.subscriptions(&mut page)?;
        statements(&mut page)?;
        self.pools(&mut page)?;
        self.plans(&mut page)?;
        self.responses(&mut page)?;
        self.search_engine(&mut page)?;
        self.consumers(&mut page)?;
        self.jobs(&mut page)?;
        self.webhooks(&mut page)?;
        spans(&mut page)?;
        self.process(&mut page)
    }
}

impl Scrape {
    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let traffic = &self.app.traffic;
        let requests = traffic.requests();
        let requests = requests.iter().map(|(route, status, count)| (*route, status.to_string(), *count));
        let requests: Vec<_> = requests.collect();
        let requests = requests.iter().map(|(route, status, count)| ([("route", *route), ("status", status)], *count));
        page.counters("typecase_http_requests", "Answered requests.", requests)?;
        let times = traffic.request_times().map(|(route, times)| ([("route", route)], times));
        page.histograms("typecase_http_request_duration_seconds", "Time until the response began.", times)?;
        let operations = traffic.operations();
        let operations = operations.iter().map(|(name, code, count)| ([("operation", *name), ("code", *code)], *count));
        page.counters("typecase_graphql_operations", "Operations, by the code of their first error.", operations)?;
        let times = traffic.operation_times();
        let times = times.iter().map(|(name, times)| ([("operation", *name)], *times));
        page.histograms("typecase_graphql_operation_duration_seconds", "Time of operations.", times)
    }

    fn refusals(&self, page: &mut Page<'_>) -> fmt::Result {
        let refusals = self.app.protection.limiter.refusals().map(|(policy, count)| ([("policy", policy)], count));
        page.counters("typecase_rate_limit_refusals", "Requests and operations over a rate limit.", refusals)?;
        let sign_ins = self.app.traffic.signed_in();
        let sign_ins = sign_ins.iter().map(|(way, outcome, count)| ([("way", *way), ("outcome", *outcome)], *count));
        page.counters("typecase_sign_ins", "Sign-in attempts.", sign_ins)
    }

    fn subscriptions(&self, page: &mut Page<'_>) -> fmt::Result {
        let subscriptions = &self.app.protection.subscriptions;
        let (active, sockets) = subscriptions.active();
        page.gauge("typecase_subscriptions", "Open subscriptions.", float(active))?;
        page.gauge("typecase_websockets", "Open WebSockets.", float(sockets))?;
        let begun = [(NO_LABELS, subscriptions.begun())];
        page.counters("typecase_subscription_starts", "Subscriptions that began.", begun)?;
        let events = [(NO_LABELS, subscriptions.events())];
        page.counters("typecase_subscription_events", "Changes that were sent to subscriptions.", events)?;
        let ends = subscriptions.ends().map(|(reason, count)| ([("reason", reason)], count));
        page.counters("typecase_subscription_ends", "Subscriptions that ended, by reason.", ends)
    }

    fn pools(&self, page: &mut Page<'_>) -> fmt::Result {
        let pools: Vec<_> = self.app.api.database.all_pools().map(|pool| (pool, pool.taken())).collect();
        let each = |number: fn(&Pool, Taken) -> usize| {
            pools.iter().map(move |(pool, taken)| ([("pool", pool.name())], float(number(pool, *taken))))
        };
        page.gauges("typecase_pool_size", "Size of the connection pool.", each(|pool, _| pool.most() as usize))?;
        page.gauges("typecase_pool_used", "Connections in use.", each(|_, taken| taken.used))?;
        page.gauges("typecase_pool_idle", "Idle connections.", each(|_, taken| taken.idle))?;
        page.gauges("typecase_pool_connecting", "Connections being opened.", each(|_, taken| taken.connecting))?;
        page.gauges("typecase_pool_waiting", "Requests that wait for a connection.", each(|_, taken| taken.waiting))
    }

    fn plans(&self, page: &mut Page<'_>) -> fmt::Result {
        let kept = self.app.api.kept();
        let each = |number: fn(Usage) -> usize| {
            kept.iter().map(move |(name, usage)| ([("cache", *name)], float(number(*usage))))
        };
        page.gauges("typecase_plan_cache_entries", "Cached plans.", each(|usage| usage.entries))?;
        page.gauges("typecase_plan_cache_bytes", "Memory of the cached plans.", each(|usage| usage.bytes))?;
        let count =
            |number: fn(Usage) -> u64| kept.iter().map(move |(name, usage)| ([("cache", *name)], number(*usage)));
        page.counters("typecase_plan_cache_hits", "Cache hits.", count(|usage| usage.hits))?;
        page.counters("typecase_plan_cache_misses", "Cache misses.", count(|usage| usage.misses))
    }

    /// Omitted if none are cached.
    fn responses(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(responses) = self.app.api.responses() else { return Ok(()) };
        let usage = responses.usage();
        page.gauge("typecase_response_cache_entries", "Cached responses.", float(usage.entries))?;
        page.gauge("typecase_response_cache_bytes", "Memory of the cached responses.", float(usage.bytes))?;
        let results = [("hit", usage.hits), ("miss", usage.misses), ("bypass", usage.bypasses)];
        let results = results.map(|(result, count)| ([("result", result)], count));
        page.counters("typecase_response_cache_requests", "Operations, by what the response cache did.", results)
    }

    /// Omitted if there is none.
    fn search_engine(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(engine) = &self.app.api.database.search_backend else { return Ok(()) };
        let usage = engine.usage();
        let results = [("answered", usage.answered), ("failed", usage.failed)];
        let results = results.map(|(result, count)| ([("result", result)], count));
        page.counters("typecase_search_engine_questions", "Questions to the search engine, by result.", results)?;
        let is_up = f64::from(u8::from(usage.is_up));
        page.gauge("typecase_search_engine_up", "Whether the search engine has answered the last question.", is_up)?;
        page.gauge("typecase_search_engine_lag_seconds", "Age of the oldest change that it does not know.", usage.lag)?;
        page.gauge("typecase_search_engine_unsent", "Changes that wait to be sent to it.", wide(usage.unsent))
    }

    fn consumers(&self, page: &mut Page<'_>) -> fmt::Result {
        let lags = || self.found.lag.iter().take(MOST_NAMES).map(|lag| ([("consumer", lag.consumer.as_str())], lag));
        let events = lags().map(|(label, lag)| (label, wide(lag.behind)));
        page.gauges("typecase_consumer_lag_events", "Events that a consumer has not handled.", events)?;
        let seconds = lags().map(|(label, lag)| (label, lag.seconds));
        page.gauges(
            "typecase_consumer_lag_seconds",
            "Age of the oldest event that a consumer has not handled.",
            seconds,
        )?;
        let failures = lags().map(|(label, lag)| (label, f64::from(lag.failures)));
        page.gauges("typecase_consumer_failures", "Consecutive failures of a consumer.", failures)
    }

    fn jobs(&self, page: &mut Page<'_>) -> fmt::Result {
        let kinds = || self.found.jobs.iter().take(MOST_NAMES);
        let states = kinds().flat_map(|jobs| {
            let states = [("due", jobs.due), ("later", jobs.later), ("running", jobs.running), ("parked", jobs.parked)];
            states.map(|(state, count)| ([("kind", jobs.kind.as_str()), ("state", state)], wide(count)))
        });
        page.gauges("typecase_jobs", "Jobs that are not finished.", states)?;
        let failing = kinds().map(|jobs| ([("kind", jobs.kind.as_str())], wide(jobs.failing)));
        page.gauges("typecase_jobs_failing", "Jobs that wait after a failed attempt.", failing)?;
        let oldest = kinds().map(|jobs| ([("kind", jobs.kind.as_str())], jobs.seconds));
        page.gauges("typecase_jobs_oldest_due_seconds", "How long the oldest due job has waited.", oldest)
    }

    fn webhooks(&self, page: &mut Page<'_>) -> fmt::Result {
        let Results { delivered, failed, dead } = Results::so_far();
        let results = [("delivered", delivered), ("failed", failed), ("dead", dead)];
        let results = results.map(|(result, count)| ([("result", result)], count));
        page.counters("typecase_webhook_attempts", "Attempts to deliver webhooks, by result.", results)?;
        let found = self.found.webhooks.iter().take(MOST_NAMES);
        let rows: Vec<_> = found.map(|backlog| (id::encode(webhooks::PREFIX, backlog.webhook), backlog)).collect();
        let states = rows.iter().flat_map(|(webhook, backlog)| {
            let states = [("waiting", backlog.waiting), ("dead", backlog.dead)];
            states.map(|(state, count)| ([("webhook", webhook.as_str()), ("state", state)], wide(count)))
        });
        page.gauges("typecase_webhook_deliveries", "Deliveries of a webhook that are not delivered.", states)?;
        let each = |number: fn(&Backlog) -> f64| {
            rows.iter().map(move |(webhook, backlog)| ([("webhook", webhook.as_str())], number(backlog)))
        };
        let oldest = each(|backlog| backlog.seconds);
        page.gauges("typecase_webhook_oldest_waiting_seconds", "Age of the oldest delivery that waits.", oldest)?;
        let enabled = each(|backlog| f64::from(u8::from(backlog.enabled)));
        page.gauges("typecase_webhook_enabled", "Whether a webhook is enabled.", enabled)
    }

    fn process(&self, page: &mut Page<'_>) -> fmt::Result {
        let is_up = f64::from(u8::from(self.found.is_up));
        page.gauge("typecase_database_up", "Whether the database has answered the queries of this scrape.", is_up)?;
        let stopping = self.app.stopping.load(std::sync::atomic::Ordering::Relaxed);
        page.gauge("typecase_stopping", "Whether the server was told to stop.", f64::from(u8::from(stopping)))?;
        if let Some(bytes) = resident() {
            page.gauge("process_resident_memory_bytes", "Memory of the process.", bytes)?;
        }
        page.gauge(
            "process_start_time_seconds",
            "When the process began to serve, in seconds since 1970.",
            self.started,
        )
    }
}

fn statements(page: &mut Page<'_>) -> fmt::Result {
    let Statements { all, slow, time } = Statements::so_far();
    page.counters("typecase_sql_statements", "SQL statements that the database has answered.", [(NO_LABELS, all)])?;
    page.counters("typecase_sql_slow_statements", "Slow SQL statements.", [(NO_LABELS, slow)])?;
    page.seconds("typecase_sql_statement_seconds", "Time of all SQL statements.", time.as_secs_f64())
}

/// Omitted if nothing is traced.
fn spans(page: &mut Page<'_>) -> fmt::Result {
    let Some(export) = Export::under_way() else { return Ok(()) };
    let (sent, lost) = export.so_far();
    let counts = [([("outcome", "sent")], sent), ([("outcome", "dropped")], lost)];
    page.counters("typecase_trace_spans", "Spans that a collector has accepted, and those that were dropped.", counts)
}

const NO_LABELS: [(&str, &str); 0] = [];

/// Writes series, grouped by name.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// `_total` is appended to the name.
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&value, None)?;
        }
        Ok(())
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, f64, u64>(&value, None)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histograms<'h, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, &'h Histogram)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, times) in values {
            let buckets = times.buckets();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let mut family = metric.encode_family(&labels)?;
            family.encode_histogram::<NoLabelSet>(times.seconds(), count, &buckets, None)?;
        }
        Ok(())
    }
}

/// Resident memory in bytes, where the system reports it as Linux does.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "a double is what Prometheus keeps")]
fn float(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a double is what Prometheus keeps")]
fn wide(number: i64) -> f64 {
    number as f64
}
