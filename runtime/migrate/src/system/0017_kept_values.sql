-- system/0017_kept_values
-- Large values of the history: each is stored once for its entry, however many revisions have it.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.kept_value (
  type text not null,
  entry uuid not null,
  -- SHA-256 of the value's type and text.
  hash bytea not null,
  value jsonb not null,
  constraint kept_value_pkey primary key (type, entry, hash)
);

-- Not every PostgreSQL is built with lz4; the other method compresses as well, in more time.
do $$
begin
  alter table cms.kept_value alter column value set compression lz4;
exception when feature_not_supported then
  null;
end
$$;

-- By column of the entry's own row, the hash of its value, as hexadecimal digits; in the content the value is null.
alter table cms.revision add column large jsonb;

-- The content of a revision with its large values.
create function cms.whole_content(r cms.revision) returns jsonb language sql stable as $$
  select case when r.large is null then r.content else jsonb_set(
    r.content,
    array[r.type, '0'],
    (r.content->r.type->0) || coalesce((
      select jsonb_object_agg(l.key, v.value)
      from jsonb_each_text(r.large) l
      join cms.kept_value v on v.type = r.type and v.entry = r.entry and v.hash = decode(l.value, 'hex')
    ), '{}')
  ) end
$$;

-- The content of a revision that is kept again, with the references that it had when it was kept before: since then it can only have lost
-- some, with the entries that they pointed at. `joins` are tables of references; `columns` has, by table, the columns that hold one.
create function cms.with_lost_references(content jsonb, before jsonb, joins text[], columns jsonb) returns jsonb
language sql immutable as $$
  select content
    || (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(before) where key = any(joins))
    || (select coalesce(jsonb_object_agg(c.key, coalesce((
        select jsonb_agg(coalesce(n.row, o.row) || (
          select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(o.row) where c.value ? key and value <> 'null'
        ))
        from jsonb_array_elements(before->c.key) as o(row)
        left join jsonb_array_elements(content->c.key) as n(row) on n.row->>'id' = o.row->>'id'
      ), content->c.key)), '{}') from jsonb_each(columns) as c)
$$;

commit;
