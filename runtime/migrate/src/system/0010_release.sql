-- system/0010_release
-- Releases: named sets of changes that are made together, in one transaction.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.release (
  id uuid not null,
  title text not null,
  description text,
  -- open, scheduled, failed, published, undone
  state text not null default 'open',
  -- When it is published, if it is scheduled, and as it was asked for, if that was a local time.
  at timestamptz,
  local_time timestamp,
  zone text,
  -- Why it failed: a list of problems.
  problems jsonb,
  -- It is published with the rights of this actor: who scheduled it, or else made it.
  actor_kind text not null,
  actor uuid,
  role text,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  constraint release_pkey primary key (id),
  constraint release_state_check check (state in ('open', 'scheduled', 'failed', 'published', 'undone'))
);
create index release_created_idx on cms.release (created_at desc, id desc);

create index release_open_idx on cms.release (state) where state in ('open', 'scheduled', 'failed');
create index release_at_idx on cms.release (at) where state = 'scheduled';

create table cms.release_item (
  release uuid not null,
  type text not null,
  entry uuid not null,
  -- publish, unpublish, delete
  action text not null,
  -- To publish this one; null for the latest at that time.
  revision bigint,
  -- It was not asked for, but left with an entry that was.
  implied boolean not null default false,
  -- The revision that was live before the release was published, for undoing it.
  before bigint,
  -- The one that is live since.
  after bigint,
  constraint release_item_pkey primary key (release, entry),
  constraint release_item_release_fkey foreign key (release) references cms.release (id) on delete cascade,
  constraint release_item_action_check check (action in ('publish', 'unpublish', 'delete'))
);
create index release_item_entry_idx on cms.release_item (entry);

commit;
