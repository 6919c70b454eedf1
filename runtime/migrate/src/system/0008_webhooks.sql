-- system/0008_webhooks
-- Where changes are sent, and each message with what became of it; the crate `webhooks` is all that works on these tables.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.webhook (
  id uuid not null,
  name text not null,
  url text not null,
  -- `ContentInfo::table`; null for all.
  types text[],
  -- created, updated, published, unpublished, deleted; null for all.
  actions text[],
  -- A filter of its one type.
  filter jsonb,
  -- A GraphQL document whose answer is sent, and the role that reads it; null for `anonymous`.
  document text,
  role text,
  -- Sealed by the server's secret.
  secret bytea not null,
  -- The one before, which signs as well until then.
  previous_secret bytea,
  previous_until timestamptz,
  enabled boolean not null,
  disabled_reason text,
  -- The receiver has asked to be left alone until then.
  paused_until timestamptz,
  -- Events up to this position were before it.
  since bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_pkey primary key (id)
);

create table cms.webhook_delivery (
  -- The `webhook-id`.
  id uuid not null,
  -- In the order of the events.
  seq bigint generated always as identity,
  webhook uuid not null,
  -- Of the event; null for a test, as all that is about an entry.
  position bigint,
  -- product.published, webhook.test
  event text not null,
  kind text,
  type text,
  entry uuid,
  revision bigint,
  -- When it happened.
  at timestamptz not null,
  -- What is sent, the same at each attempt; null until the document was run.
  body text,
  -- queued (behind another one of its entry), waiting, delivering, delivered, dead
  state text not null,
  attempts integer not null default 0,
  -- Of what waits the next attempt; of what is being delivered the end of its lease.
  due timestamptz not null default now(),
  -- Of the attempt under way.
  lease uuid,
  -- Of the last attempt.
  attempted_at timestamptz,
  status smallint,
  latency integer,
  answer text,
  error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint webhook_delivery_pkey primary key (id),
  constraint webhook_delivery_webhook_fkey foreign key (webhook) references cms.webhook (id) on delete cascade
);
create unique index webhook_delivery_seq_idx on cms.webhook_delivery (seq);
create index webhook_delivery_of_idx on cms.webhook_delivery (webhook, seq);
create index webhook_delivery_state_idx on cms.webhook_delivery (webhook, state, seq);
-- An event is delivered once.
create unique index webhook_delivery_event_idx on cms.webhook_delivery (webhook, position) where position is not null;
-- Of an entry there is one at a time, and the others are behind it.
create unique index webhook_delivery_turn_idx on cms.webhook_delivery (webhook, entry)
  where state in ('waiting', 'delivering') and entry is not null;
create index webhook_delivery_queue_idx on cms.webhook_delivery (webhook, entry, seq) where state = 'queued';
create index webhook_delivery_due_idx on cms.webhook_delivery (webhook, due, seq) where state in ('waiting', 'delivering');
create index webhook_delivery_finished_idx on cms.webhook_delivery (finished_at) where state in ('delivered', 'dead');

commit;
