-- system/0013_collaboration
-- Who edits an entry now, and what people say about entries.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- Lost after a crash of PostgreSQL, when the editors call again.
create unlogged table cms.entry_lock (
  type text not null,
  entry uuid not null,
  -- user, token, developer, system
  actor_kind text not null,
  actor uuid,
  since timestamptz not null default now(),
  -- It counts no more after that.
  until timestamptz not null,
  -- Whom it was taken from.
  former_kind text,
  former uuid,
  constraint entry_lock_pkey primary key (type, entry)
);
create index entry_lock_actor_idx on cms.entry_lock (actor_kind, actor);
create index entry_lock_until_idx on cms.entry_lock (until);

create table cms.comment (
  id uuid not null,
  type text not null,
  entry uuid not null,
  -- The first comment of the thread; null for that one itself.
  thread uuid,
  -- What of the entry it is about: `price`, `variants.<id of the row>.sku`.
  field text,
  text text not null,
  -- Users that get a mail.
  mentions uuid[] not null default '{}',
  actor_kind text not null,
  actor uuid,
  role text,
  at timestamptz not null default now(),
  edited_at timestamptz,
  -- Of a thread.
  resolved_at timestamptz,
  resolved_kind text,
  resolved_by uuid,
  constraint comment_pkey primary key (id),
  constraint comment_thread_fkey foreign key (thread) references cms.comment (id) on delete cascade
);
create index comment_entry_idx on cms.comment (type, entry, id);
create index comment_thread_idx on cms.comment (thread, id);

commit;
