-- system/0011_preview_link
-- Links that show drafts to people without an account, until they expire or are revoked.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.preview_link (
  id uuid not null,
  -- entry, release, drafts
  kind text not null,
  type text,
  -- The entry or the release.
  target uuid,
  -- It shows what this actor may still see.
  actor_kind text not null,
  actor uuid,
  role text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  constraint preview_link_pkey primary key (id),
  constraint preview_link_kind_check check (kind in ('entry', 'release', 'drafts')),
  constraint preview_link_target_check check ((kind = 'drafts') = (target is null))
);
create index preview_link_created_idx on cms.preview_link (created_at desc, id desc);
create index preview_link_actor_idx on cms.preview_link (actor_kind, actor, expires_at);
create index preview_link_expires_idx on cms.preview_link (expires_at);

commit;
