-- system/0020_listing
-- Listings: the rows of a list relation in `live`, by target, with copies of what their owners are ordered by. And how many rows
-- each list has. Triggers keep both, so nothing that writes to `live` can forget them.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create schema listing;
grant usage on schema listing to public;

-- The sum of `n` is the number of rows of a list. A change adds a row instead of updating one, or everybody who publishes in a
-- category would wait for everybody else. The list of all entries of a type has the type's table and the target 0.
create table listing.count (
  list text not null,
  target_id uuid not null,
  n bigint not null
);
create index count_idx on listing.count (list, target_id);

-- Adds up the rows of these targets. Rows that another transaction adds up are left to it.
create function listing.tidy(of text, targets uuid[]) returns void language sql as $$
  with gone as (
    delete from listing.count
    where ctid = any(array(
      select c.ctid from listing.count c where c.list = of and c.target_id = any(targets) for update skip locked
    ))
    returning target_id, n
  )
  insert into listing.count (list, target_id, n)
  select of, target_id, sum(n) from gone group by target_id having sum(n) <> 0
$$;

-- Now and then, so that a list has a few dozen rows there at most.
create function listing.tidy_sometimes(of text, targets uuid[]) returns void language plpgsql as $$
begin
  if random() < 0.05 then
    perform listing.tidy(of, targets);
  end if;
end $$;

create function listing.entries_added() returns trigger language plpgsql as $$
declare
  changed bigint := (select count(*) from new_rows);
begin
  if changed > 0 then
    insert into listing.count (list, target_id, n) values (tg_argv[0], '00000000-0000-0000-0000-000000000000', changed);
    perform listing.tidy_sometimes(tg_argv[0], array['00000000-0000-0000-0000-000000000000']::uuid[]);
  end if;
  return null;
end $$;

create function listing.entries_removed() returns trigger language plpgsql as $$
declare
  changed bigint := (select count(*) from old_rows);
begin
  if changed > 0 then
    insert into listing.count (list, target_id, n) values (tg_argv[0], '00000000-0000-0000-0000-000000000000', -changed);
    perform listing.tidy_sometimes(tg_argv[0], array['00000000-0000-0000-0000-000000000000']::uuid[]);
  end if;
  return null;
end $$;

create function listing.entries_truncated() returns trigger language plpgsql as $$
begin
  delete from listing.count where list = tg_argv[0];
  return null;
end $$;

-- Counts the entries of a type from now on.
create function listing.count_entries(type text) returns void language plpgsql as $make$
begin
  execute format('lock table live.%I in share row exclusive mode', type);
  execute format(
    'insert into listing.count (list, target_id, n) select %L, ''00000000-0000-0000-0000-000000000000'', count(*) from live.%I',
    type, type);
  execute format(
    'create trigger counted_insert after insert on live.%I referencing new table as new_rows '
    'for each statement execute function listing.entries_added(%L)', type, type);
  execute format(
    'create trigger counted_delete after delete on live.%I referencing old table as old_rows '
    'for each statement execute function listing.entries_removed(%L)', type, type);
  execute format(
    'create trigger counted_truncate after truncate on live.%I '
    'for each statement execute function listing.entries_truncated(%L)', type, type);
end $make$;

create function listing.uncount_entries(type text) returns void language plpgsql as $make$
begin
  execute format('drop trigger counted_insert on live.%I', type);
  execute format('drop trigger counted_delete on live.%I', type);
  execute format('drop trigger counted_truncate on live.%I', type);
  delete from listing.count where list = type;
end $make$;

-- `of`: the table of the relation; `target`: its column of the target; `owner`: the table of the entries that are listed;
-- `columns`: those of the owner that are copied; `orders`: the keys of the indexes.
create function listing.make(list text, of text, target text, owner text, columns text[], orders text[]) returns void
language plpgsql as $make$
declare
  names text := (select string_agg(format('%I', name), ', ' order by at) from unnest(columns) with ordinality c(name, at));
  copies text := (select string_agg(format('p.%I', name), ', ' order by at) from unnest(columns) with ordinality c(name, at));
  here text := (select string_agg(format('l.%I', name), ', ' order by at) from unnest(columns) with ordinality c(name, at));
  -- Plans are kept, and one that was made for many new rows would read whole tables for the next single one.
  by_key constant text := 'set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off';
  keys text;
begin
  execute format('lock table live.%I, live.%I in share row exclusive mode', owner, of);
  execute format(
    'create table listing.%I as select j.%I as target_id, j.owner_id, %s from live.%I j join live.%I p on p.id = j.owner_id '
    'where j.%I is not null', list, target, copies, of, owner, target);
  execute format('alter table listing.%I add primary key (target_id, owner_id)', list);
  foreach keys in array orders loop
    execute format('create index on listing.%I (target_id, %s, owner_id)', list, keys);
  end loop;
  execute format('analyze listing.%I', list);
  execute format(
    'insert into listing.count (list, target_id, n) select %L, target_id, count(*) from listing.%I group by target_id', list, list);

  -- Rows of the relation come and go.
  execute format($function$
    create function listing.%1$I() returns trigger language plpgsql %8$s as $body$
    declare
      changed uuid[];
    begin
      if tg_op in ('DELETE', 'UPDATE') then
        with gone as (
          delete from listing.%2$I l using old_rows o where l.target_id = o.%3$I and l.owner_id = o.owner_id
          returning l.target_id
        ), counted as (
          insert into listing.count (list, target_id, n) select %2$L, target_id, -count(*) from gone group by target_id
          returning target_id
        )
        select array_agg(target_id) into changed from counted;
      end if;
      if tg_op in ('INSERT', 'UPDATE') then
        with added as (
          insert into listing.%2$I (target_id, owner_id, %4$s)
          select n.%3$I, n.owner_id, %5$s from new_rows n
          join live.%6$I p on p.id = n.owner_id
          where n.%3$I is not null
          on conflict do nothing
          returning target_id
        ), counted as (
          insert into listing.count (list, target_id, n) select %2$L, target_id, count(*) from added group by target_id
          returning target_id
        )
        select array_agg(target_id) into changed from counted;
      end if;
      if changed is not null then
        perform listing.tidy_sometimes(%2$L, changed);
      end if;
      return null;
    end $body$
  $function$, list || '_links', list, target, names, copies, owner, here, by_key);

  -- Entries come and go. Their rows of the relation come after them and go with them, unless somebody else writes here.
  execute format($function$
    create function listing.%1$I() returns trigger language plpgsql %8$s as $body$
    declare
      changed uuid[];
    begin
      if tg_op = 'DELETE' then
        with gone as (
          delete from listing.%2$I l using old_rows o join live.%6$I j on j.owner_id = o.id
          where l.target_id = j.%3$I and l.owner_id = o.id
          returning l.target_id
        ), counted as (
          insert into listing.count (list, target_id, n) select %2$L, target_id, -count(*) from gone group by target_id
          returning target_id
        )
        select array_agg(target_id) into changed from counted;
      elsif tg_op = 'INSERT' then
        with added as (
          insert into listing.%2$I (target_id, owner_id, %4$s)
          select j.%3$I, j.owner_id, %5$s from new_rows p
          join live.%6$I j on j.owner_id = p.id
          where j.%3$I is not null
          on conflict do nothing
          returning target_id
        ), counted as (
          insert into listing.count (list, target_id, n) select %2$L, target_id, count(*) from added group by target_id
          returning target_id
        )
        select array_agg(target_id) into changed from counted;
      else
        update listing.%2$I l set (%4$s) = row(%5$s)
        from new_rows p join live.%6$I j on j.owner_id = p.id
        where l.target_id = j.%3$I and l.owner_id = p.id and row(%7$s) is distinct from row(%5$s);
      end if;
      if changed is not null then
        perform listing.tidy_sometimes(%2$L, changed);
      end if;
      return null;
    end $body$
  $function$, list || '_owners', list, target, names, copies, of, here, by_key);

  execute format($function$
    create function listing.%1$I() returns trigger language plpgsql as $body$
    begin
      truncate listing.%2$I;
      delete from listing.count where list = %2$L;
      return null;
    end $body$
  $function$, list || '_emptied', list);

  execute format('create trigger %I after insert on live.%I referencing new table as new_rows for each statement execute function listing.%I()',
    list || '_insert', of, list || '_links');
  execute format('create trigger %I after delete on live.%I referencing old table as old_rows for each statement execute function listing.%I()',
    list || '_delete', of, list || '_links');
  execute format('create trigger %I after update on live.%I referencing old table as old_rows new table as new_rows for each statement execute function listing.%I()',
    list || '_update', of, list || '_links');
  execute format('create trigger %I after truncate on live.%I for each statement execute function listing.%I()',
    list || '_truncate', of, list || '_emptied');
  execute format('create trigger %I after insert on live.%I referencing new table as new_rows for each statement execute function listing.%I()',
    list || '_insert_owner', owner, list || '_owners');
  execute format('create trigger %I after delete on live.%I referencing old table as old_rows for each statement execute function listing.%I()',
    list || '_delete_owner', owner, list || '_owners');
  execute format('create trigger %I after update on live.%I referencing new table as new_rows for each statement execute function listing.%I()',
    list || '_update_owner', owner, list || '_owners');
  execute format('create trigger %I after truncate on live.%I for each statement execute function listing.%I()',
    list || '_truncate_owner', owner, list || '_emptied');
end $make$;

-- Removes a listing with its triggers.
create function listing.drop(list text) returns void language plpgsql as $make$
begin
  execute format('drop function listing.%I() cascade', list || '_links');
  execute format('drop function listing.%I() cascade', list || '_owners');
  execute format('drop function listing.%I() cascade', list || '_emptied');
  execute format('drop table listing.%I', list);
  delete from listing.count c where c.list = "drop".list;
end $make$;

-- An index by the trigrams of a column, for `contains`. Without the extension every text is looked at, as without the index.
create function listing.index_trigrams(of text, name text, of_column text) returns void language plpgsql as $make$
declare
  home text := (
    select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm'
  );
begin
  if home is null then
    raise notice 'pg_trgm is not installed: `contains` reads every text of %.%', of, of_column;
  else
    execute format('create index if not exists %I on live.%I using gin (sort.lower(%I) %I.gin_trgm_ops)', name, of, of_column, home);
  end if;
end $make$;

-- The pattern of all texts that contain this one.
create function listing.pattern(value text) returns text language sql immutable parallel safe
  return '%' || replace(replace(replace(sort.lower(value), '\', '\\'), '%', '\%'), '_', '\_') || '%';

commit;
