-- system/0012_redirect
-- Paths of the site that lead elsewhere: to an entry, wherever that is by now, or to a path or address.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.redirect (
  id uuid not null,
  -- In its normal form: decoded, with a slash at its beginning and none at its end.
  from_path text collate "C" not null,
  -- Either an entry, or a path or address.
  type text,
  entry uuid,
  target text collate "C",
  -- A query and a fragment to add to it.
  suffix text not null default '',
  status smallint not null default 301,
  -- history: a published entry had this path before; manual
  origin text not null,
  created_at timestamptz not null default now(),
  created_by uuid,
  constraint redirect_pkey primary key (id),
  constraint redirect_from_path_key unique (from_path),
  constraint redirect_from_path_check check (octet_length(from_path) <= 2000),
  constraint redirect_target_check check ((entry is null) = (type is null) and (entry is null) <> (target is null)),
  constraint redirect_status_check check (status in (301, 302, 307, 308)),
  constraint redirect_origin_check check (origin in ('history', 'manual'))
);
create index redirect_entry_idx on cms.redirect (entry, created_at) where entry is not null;
create index redirect_target_idx on cms.redirect (target) where target is not null;

commit;
