-- system/0002_order
-- How texts are compared: the same on every database, whatever its locale. Everybody may use it, public reads among them.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create schema sort;
grant usage on schema sort to public;

-- The collation of a language (BCP 47), or with `und` that of Unicode for all of them. Where PostgreSQL was built without ICU
-- it is the order of bytes, and `sort.key` makes of a text what bytes put in the order of letters.
create function sort.make(locale text) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  collation_name text := lower(replace(locale, '-', '_'));
begin
  if exists (select from pg_collation where collnamespace = 'sort'::regnamespace and collname = collation_name) then
    return;
  end if;
  begin
    execute format('create collation sort.%I (provider = icu, locale = %L)', collation_name, locale);
  exception when feature_not_supported then
    execute format('create collation sort.%I from "C"', collation_name);
  end;
end $$;

select sort.make('und');

-- The functions are of one expression, so that the planner puts it in their place: an index on `sort.key(name)` is one on `name`
-- itself where there is ICU.
do $$
declare
  has_icu boolean := (
    select collprovider = 'i' from pg_catalog.pg_collation
    where collnamespace = 'sort'::regnamespace and collname = 'und'
  );
  has_unicode boolean := pg_catalog.current_setting('server_encoding') = 'UTF8';
  version integer := pg_catalog.current_setting('server_version_num');
  small text := case
    when has_icu then 'lower(value collate sort.und)'
    when has_unicode and version >= 180000 then 'casefold(value collate pg_catalog.pg_unicode_fast)'
    when has_unicode and version >= 170000 then 'lower(value collate pg_catalog.pg_c_utf8)'
    else 'lower(value)'
  end;
  bare text := 'translate(regexp_replace(normalize(value, nfd), ''[\u0300-\u036F]+'', '''', ''g''), ''øØłŁđĐħĦŧŦı'', ''oOlLdDhHtTi'')';
begin
  -- A function each, since one expression cannot have two collations.
  create function sort.lower_ascii(value text) returns text language sql immutable parallel safe
    return lower(value collate "C");
  execute format(
    'create function sort.lower_unicode(value text) returns text language sql immutable parallel safe return %s', small);
  -- Small letters. A text that is ASCII needs no table of letters.
  create function sort.lower(value text) returns text language sql immutable parallel safe
    return case when octet_length(value) = length(value) then sort.lower_ascii(value) else sort.lower_unicode(value) end;
  -- Small letters without accents.
  execute format(
    'create function sort.bare(value text) returns text language sql immutable parallel safe '
    'return case when octet_length(value) = length(value) then sort.lower_ascii(value) else sort.lower_unicode(%s) end',
    case when has_unicode then bare else 'value' end);
  -- What bytes put in the order of letters: texts that differ in case and accents alone stand together, small and plain ones first.
  -- No two texts have the same.
  create function sort.folded(value text) returns text language sql immutable parallel safe
    return case when sort.bare(value) = value then value else sort.bare(value) || chr(1) || value end;
  execute format(
    'create function sort.key(value text) returns text language sql immutable parallel safe return %s',
    case when has_icu then 'value' else 'sort.folded(value)' end);
end $$;

commit;
