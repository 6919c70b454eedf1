-- What migrations themselves stand on: the ledger, and functions that convert and check stored values.
-- Run before the first file each time, so every statement can be repeated.

create schema if not exists cms;

create table if not exists cms.migration (
  name text not null primary key,
  checksum text not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  -- How many statements of the file are done and committed.
  statements bigint not null default 0,
  error text
);

-- One row: the catalog that the database has, as servers are compiled for.
create table if not exists cms.catalog (
  singleton boolean not null primary key default true check (singleton),
  hash text not null
);

-- Stops a migration before a unique index would fail, and says which values are there twice.
create or replace function cms.assert_unique(rows regclass, columns text[]) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  list text := (select string_agg(format('%I', name), ', ') from unnest(columns) as name);
  shown text := (select string_agg(format('%I::text', name), ' || '' / '' || ') from unnest(columns) as name);
  found text;
begin
  execute format(
    'select string_agg(value, ''; '') from (select %s || '' ('' || count(*) || '' rows)'' as value from %s '
    'where num_nulls(%s) = 0 group by %s having count(*) > 1 order by 1 limit 5) as duplicates',
    shown, rows, list, list
  ) into found;
  if found is not null then
    raise exception 'rows of % have the same %: %', rows, array_to_string(columns, ' and '), found
      using errcode = 'unique_violation', hint = 'Give these rows different values, then migrate again.';
  end if;
end $$;

-- Stops a migration before a row would not fit into an index, and names the longest. The limit is that of the server for what is written.
create or replace function cms.assert_short(rows regclass, columns text[]) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  sizes text := (select string_agg(format('coalesce(octet_length(%I), 0)', name), ' + ') from unnest(columns) as name);
  entry text;
  bytes bigint;
begin
  execute format('select id::text, size from (select id, %s as size from %s) as t where size > 2500 order by size desc limit 1', sizes, rows)
    into entry, bytes;
  if entry is not null then
    raise exception 'the % of row % of % has % bytes, an index takes 2500', array_to_string(columns, ' and '), entry, rows, bytes
      using errcode = 'string_data_right_truncation', hint = 'Shorten it, in other rows too where it is longer, then migrate again.';
  end if;
end $$;

-- Stops a migration before NOT NULL would fail, and says how many rows are to blame.
create or replace function cms.assert_present(rows regclass, name text) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  missing bigint;
begin
  execute format('select count(*) from %s where %I is null', rows, name) into missing;
  if missing > 0 then
    raise exception '% of % % no value in %', case missing when 1 then '1 row' else missing || ' rows' end, rows,
      case missing when 1 then 'has' else 'have' end, name
      using errcode = 'not_null_violation', hint = 'Give these rows a value, then migrate again.';
  end if;
end $$;

-- Stops a migration before a CHECK would fail, and shows a row that breaks it.
create or replace function cms.assert_holds(rows regclass, rule text, expression text) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  broken bigint;
  example text;
begin
  execute format('select count(*), min(left(to_jsonb(t)::text, 300)) from %s as t where not (%s)', rows, expression)
    into broken, example;
  if broken > 0 then
    raise exception '% of % % %: %', case broken when 1 then '1 row' else broken || ' rows' end, rows,
      case broken when 1 then 'breaks' else 'break' end, rule, expression
      using errcode = 'check_violation', detail = 'One of them: ' || example,
      hint = 'Change these rows, then migrate again.';
  end if;
end $$;

-- The first member that a stored component lacks, as `seo.title`; `needs` says for each component what it must have and which keys
-- hold others.
create or replace function cms.lacking(document jsonb, needs jsonb) returns text
language plpgsql immutable set search_path = pg_catalog as $$
declare
  need jsonb := needs -> (document ->> '_type');
  name text;
  found text;
begin
  if jsonb_typeof(document) = 'array' then
    return (select min(cms.lacking(item, needs)) from jsonb_array_elements(document) as item);
  end if;
  for name in select jsonb_array_elements_text(coalesce(need -> 'needed', '[]')) loop
    if coalesce(document -> name, 'null') = 'null' then
      return (document ->> '_type') || '.' || name;
    end if;
  end loop;
  for name in select jsonb_array_elements_text(coalesce(need -> 'nested', '[]')) loop
    found := cms.lacking(document -> name, needs);
    if found is not null then
      return found;
    end if;
  end loop;
  return null;
end $$;

-- Stops a migration before components would be there that cannot be read, and says how many rows have some.
create or replace function cms.assert_members(rows regclass, name text, needs jsonb) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  missing bigint;
  lacked text;
  example text;
begin
  execute format(
    'select count(*), min(lacked), min(id::text) from (select id, cms.lacking(%I, $1) as lacked from %s) as t where lacked is not null',
    name, rows
  ) using needs into missing, lacked, example;
  if missing > 0 then
    raise exception '% of % % components without a value of % in %', case missing when 1 then '1 row' else missing || ' rows' end,
      rows, case missing when 1 then 'has' else 'have' end, lacked, name
      using errcode = 'not_null_violation', detail = 'One of them: ' || example,
      hint = 'Give these components a value, then migrate again.';
  end if;
end $$;

-- The text forms that the API shows.
create or replace function cms.duration_text(milliseconds bigint) returns text
language sql immutable strict set search_path = pg_catalog as $$
  select case when milliseconds = 0 then 'PT0S' else
    case when milliseconds < 0 then '-' else '' end || 'PT'
    || coalesce(nullif(abs(milliseconds) / 3600000, 0) || 'H', '')
    || coalesce(nullif(abs(milliseconds) / 60000 % 60, 0) || 'M', '')
    || coalesce(nullif(trim_scale(abs(milliseconds) % 60000 / 1000.0), 0) || 'S', '')
  end
$$;

create or replace function cms.datetime_text(moment timestamptz) returns text
language sql immutable strict set search_path = pg_catalog as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || rtrim(rtrim(to_char(moment at time zone 'UTC', '.US'), '0'), '.') || 'Z'
$$;

-- The way back, which takes the same forms and nothing looser.
create or replace function cms.as_date(value text) returns date
language plpgsql immutable strict set search_path = pg_catalog as $$
begin
  if value !~ '^\d{4}-\d\d-\d\d$' then
    raise exception '"%" is no date', value
      using errcode = 'invalid_datetime_format', hint = 'Dates are written 2026-01-31.';
  end if;
  return value::date;
end $$;

create or replace function cms.as_datetime(value text) returns timestamptz
language plpgsql immutable strict set search_path = pg_catalog as $$
begin
  if value !~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$' then
    raise exception '"%" is no moment with a time zone', value
      using errcode = 'invalid_datetime_format', hint = 'Moments are written 2026-01-31T09:30:00Z.';
  end if;
  return value::timestamptz;
end $$;

create or replace function cms.as_duration(value text) returns bigint
language plpgsql immutable strict set search_path = pg_catalog as $$
begin
  if value !~ '^-?P(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$' or value ~ '[PT]$' then
    raise exception '"%" is no duration', value
      using errcode = 'invalid_datetime_format', hint = 'Durations are written PT1H30M.';
  end if;
  return (extract(epoch from ltrim(value, '-')::interval) * 1000)::bigint
    * case when value like '-%' then -1 else 1 end;
end $$;

-- One value of a stored component in another form; `kind` is a scalar of the API, or `list`, `first`, `null`.
create or replace function cms.convert(value jsonb, kind text) returns jsonb
language plpgsql immutable set search_path = pg_catalog as $$
declare
  plain text := value #>> '{}';
begin
  if value is null or plain is null or kind = 'null' then
    return null;
  end if;
  return case kind
    when 'list' then jsonb_build_array(value)
    when 'first' then value -> 0
    when 'JSON' then value
    when 'String' then to_jsonb(plain)
    when 'Int' then to_jsonb((case plain when 'true' then '1' when 'false' then '0' else trim_scale(plain::numeric)::text end)::integer)
    when 'BigInt' then to_jsonb((case plain when 'true' then '1' when 'false' then '0' else trim_scale(plain::numeric)::text end)::bigint::text)
    when 'Decimal' then to_jsonb(plain::numeric::text)
    when 'Boolean' then to_jsonb(plain::boolean)
    when 'Date' then to_jsonb(case when plain ~ 'T' then (cms.as_datetime(plain) at time zone 'UTC')::date else cms.as_date(plain) end::text)
    when 'Time' then to_jsonb(case when plain ~ 'T' then (cms.as_datetime(plain) at time zone 'UTC')::time else plain::time end::text)
    when 'DateTime' then to_jsonb(cms.datetime_text(cms.as_datetime(case when plain ~ '^\d{4}-\d\d-\d\d$' then plain || 'T00:00:00Z' else plain end)))
    when 'Duration' then to_jsonb(case when cms.as_duration(plain) is not null then plain end)
  end;
end $$;

-- A list of components without those of some kinds; one component of such a kind becomes null.
create or replace function cms.without(document jsonb, kinds text[]) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select case jsonb_typeof(document)
    when 'array' then coalesce(
      (select jsonb_agg(item order by place)
       from jsonb_array_elements(document) with ordinality as items (item, place)
       where (item ->> '_type') is null or not (item ->> '_type') = any (kinds)),
      '[]'::jsonb)
    when 'object' then case when (document ->> '_type') = any (kinds) then null else document end
    else document
  end
$$;

-- Components as a change of their declaration wants them. `changes` says for each component by its former name:
-- `tag` its new name, `nested` the keys that hold components, `drop` keys that go, and `set` for keys that change:
-- `from` and `to`, `without` kinds, `values` of an enum (null: gone), `as` for `cms.convert`, `fill` for what is missing.
create or replace function cms.rewrite(document jsonb, changes jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog as $$
declare
  change jsonb;
  result jsonb;
  name text;
  step jsonb;
  value jsonb;
begin
  if jsonb_typeof(document) = 'array' then
    return coalesce(
      (select jsonb_agg(cms.rewrite(item, changes) order by place)
       from jsonb_array_elements(document) with ordinality as items (item, place)),
      '[]'::jsonb);
  end if;
  change := changes -> (document ->> '_type');
  if change is null then
    return document;
  end if;
  for name in select jsonb_array_elements_text(coalesce(change -> 'nested', '[]')) loop
    -- The kinds that go are told by their former names, so they go before the rest gets its new ones.
    for step in select item from jsonb_array_elements(coalesce(change -> 'set', '[]')) as item
      where item ->> 'from' = name and item ? 'without' loop
      document := document || jsonb_build_object(name, cms.without(
        document -> name, array(select jsonb_array_elements_text(step -> 'without'))));
    end loop;
    if jsonb_typeof(document -> name) in ('array', 'object') then
      document := document || jsonb_build_object(name, cms.rewrite(document -> name, changes));
    end if;
  end loop;
  result := document - array(select jsonb_array_elements_text(coalesce(change -> 'drop', '[]')));
  for step in select jsonb_array_elements(coalesce(change -> 'set', '[]')) loop
    if step ? 'from' then
      result := result - (step ->> 'from');
    end if;
  end loop;
  for step in select jsonb_array_elements(coalesce(change -> 'set', '[]')) loop
    value := document -> (step ->> 'from');
    if step ? 'values' and jsonb_typeof(value) = 'array' then
      value := (select coalesce(jsonb_agg(mapped order by place) filter (where mapped <> 'null'), '[]')
        from (select place, coalesce(step -> 'values' -> (item #>> '{}'), item) as mapped
          from jsonb_array_elements(value) with ordinality as items (item, place)) as items);
    elsif step ? 'values' then
      value := nullif(coalesce(step -> 'values' -> (value #>> '{}'), value), 'null');
    end if;
    if step ? 'as' then
      value := cms.convert(value, step ->> 'as');
    end if;
    value := coalesce(nullif(value, 'null'), step -> 'fill');
    if value is not null then
      result := result || jsonb_build_object(step ->> 'to', value);
    end if;
  end loop;
  if change ? 'tag' then
    result := result || jsonb_build_object('_type', change -> 'tag');
  end if;
  return result;
end $$;
