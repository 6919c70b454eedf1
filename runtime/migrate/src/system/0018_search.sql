-- system/0018_search
-- The search index: one row for each entry of a type that is searched, for each stage.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create schema search;
grant usage on schema search to public;

create table search.draft (
  type text not null,
  entry uuid not null,
  document tsvector not null,
  -- Keys such as a stock keeping unit, in small letters: see `search.key`.
  exact text[] not null,
  -- The words of the highest weight, for words that are written wrongly.
  title text not null,
  -- `[weight, path, text]` for each text.
  parts jsonb not null,
  -- The entries that some of the texts belong to.
  others uuid[] not null,
  constraint draft_pkey primary key (type, entry)
);
create table search.live (like search.draft including all);

create index draft_document_idx on search.draft using gin (document) with (gin_pending_list_limit = 512);
create index live_document_idx on search.live using gin (document) with (gin_pending_list_limit = 512);
create index draft_exact_idx on search.draft using gin (exact) with (gin_pending_list_limit = 512);
create index draft_others_idx on search.draft using gin (others) with (gin_pending_list_limit = 512);
create index live_others_idx on search.live using gin (others) with (gin_pending_list_limit = 512);
create index live_exact_idx on search.live using gin (exact) with (gin_pending_list_limit = 512);

-- What the index of a type was made from. If it is not what the server has, the index is made again.
create table search.made (
  type text primary key,
  by text not null
);

-- Without the extension, words that are written wrongly are not corrected.
do $$
declare
  home text;
begin
  begin
    create extension if not exists pg_trgm with schema search;
  exception when others then
    raise notice 'pg_trgm is not installed (%): misspelt words are not corrected in searches', sqlerrm;
  end;
  select n.nspname into home from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  if home is null then
    create function search.is_near(word text, title text) returns boolean language sql immutable parallel safe as 'select false';
    create function search.nearness(word text, title text) returns real language sql immutable parallel safe as 'select 0::real';
  else
    execute format('create index draft_title_idx on search.draft using gin (title %I.gin_trgm_ops) with (gin_pending_list_limit = 512)', home);
    execute format('create index live_title_idx on search.live using gin (title %I.gin_trgm_ops) with (gin_pending_list_limit = 512)', home);
    -- Functions of one expression, which the planner puts in their place, so that the index is used.
    execute format('create function search.is_near(word text, title text) returns boolean language sql stable parallel safe return word operator(%I.<%%) title', home);
    execute format('create function search.nearness(word text, title text) returns real language sql immutable parallel safe return %I.word_similarity(word, title)', home);
  end if;
end
$$;

-- A key as it is compared: in small letters, without accents and spaces at the ends.
create function search.key(value text) returns text language sql immutable parallel safe
  return left(trim(sort.bare(value)), 300);

-- Small letters without accents. PostgreSQL would take the hyphen of `AB-12` for the sign of a number.
create function search.bare(value text) returns text language sql immutable parallel safe
  return regexp_replace(sort.bare(value), '(?<=[[:alnum:]])-(?=\d)', ' ', 'g');

-- A number with its unit is one word: `500 g` and `500g`, `0,5 l` and `0.5L`. `value` is in small letters.
create function search.units() returns text language sql immutable parallel safe
  return '(kg|g|mg|lb|oz|ml|cl|dl|l|mm|cm|m|km|in|inch|ft|w|kw|kwh|v|ah|mah|kb|mb|gb|tb|hz|khz|mhz|ghz)(?![[:alnum:]])';

create function search.joined(value text) returns text language sql immutable parallel safe
  return regexp_replace(
    regexp_replace(value, '(?<![[:alnum:].,])(\d{1,9})[.,](\d{1,6})(?=\s*' || search.units() || ')', '\1p\2', 'g'),
    '(?<![[:alnum:].,])(\d{1,9}(?:p\d{1,6})?)\s*' || search.units(), '\1\2', 'g');

create function search.measures(value text) returns text language sql immutable parallel safe as $$
  select coalesce(string_agg(m[1] || m[2], ' '), '')
  from regexp_matches(search.joined(value), '(?<![[:alnum:].,])(\d{1,9}(?:p\d{1,6})?)' || search.units(), 'g') m
$$;

-- Markdown and markup as plain text.
create function search.plain(value text) returns text language sql immutable parallel safe
  return regexp_replace(regexp_replace(regexp_replace(regexp_replace(value,
    '!?\[([^\]]*)\]\([^)]*\)', '\1', 'g'), '<[^<>]*>', ' ', 'g'), '(^|\n)\s{0,3}(#{1,6}|[-*+>]|\d+\.)\s+', '\1', 'g'), '[*_`~|]+', ' ', 'g');

-- The words of a text, and its measures: looking for these takes as long as all else, and most texts have no digit.
create function search.words(language regconfig, value text) returns tsvector language plpgsql immutable parallel safe as $$
declare
  bare text;
begin
  if value is null then
    return '';
  end if;
  bare := search.bare(value);
  if bare !~ '[0-9]' then
    return to_tsvector(language, bare);
  end if;
  return to_tsvector(language, bare) || to_tsvector('simple', search.measures(bare));
end
$$;

-- What a tsvector has no room for is left out. The exception is why this is not done by parallel workers.
create function search.document(language regconfig, parts jsonb, most integer default 40000) returns tsvector
language plpgsql immutable parallel restricted set client_min_messages = error as $$
declare
  a text;
  b text;
  c text;
  d text;
begin
  select left(string_agg(p->>2, E'\n') filter (where p->>0 = 'A'), most / 2), left(string_agg(p->>2, E'\n') filter (where p->>0 = 'B'), most),
    left(string_agg(p->>2, E'\n') filter (where p->>0 = 'C'), most), left(string_agg(p->>2, E'\n') filter (where p->>0 = 'D'), most)
  into a, b, c, d from jsonb_array_elements(parts) p;
  return setweight(search.words(language, a), 'A') || setweight(search.words(language, b), 'B')
    || setweight(search.words(language, c), 'C') || setweight(search.words(language, d), 'D');
exception when program_limit_exceeded then
  return case when most < 100 then '' else search.document(language, parts, most / 4) end;
end
$$;

create function search.title(parts jsonb) returns text language plpgsql immutable parallel safe as $$
begin
  return (
    select coalesce(left(sort.bare(left(string_agg(p->>2, ' '), 500)), 500), '')
    from jsonb_array_elements(parts) p where p->>0 in ('A', 'B')
  );
end
$$;

-- The words of a query, each also as the beginning of longer ones: neither in a phrase nor in an exclusion, and no word of less than three
-- letters.
create function search.spread(q tsquery) returns tsquery language sql immutable parallel safe as $$
  select coalesce((
    select string_agg(m[1] || case
      when m[1] ~ '(!|> )$' or next ~ '^ <' or length(m[2]) < 5 then m[2] || coalesce(m[3], '')
      else '(' || m[2] || ' | ' || m[2] || ':*)' end, '' order by n)
    from (
      select m, n, lead(m[1]) over (order by n) as next
      from regexp_matches(q::text, '([^'']*)(''(?:[^'']|'''')+'')(:[*A-D]+)?', 'g') with ordinality as r(m, n)
    ) r
  ) || substring(q::text from '[^'']*$'), '')::tsquery
$$;

-- What is asked, in the language of search engines: words, "phrases", -exclusions, or. `synonyms` are groups of words that mean the same.
create function search.query(language regconfig, asked text, synonyms jsonb) returns tsquery
language plpgsql immutable parallel safe set client_min_messages = error as $$
declare
  bare text := search.bare(asked);
  given tsquery := websearch_to_tsquery(language, search.joined(bare));
  q tsquery := given;
  changed tsquery;
  meant tsquery;
  target tsquery;
  is_phrase boolean;
  measure text[];
  same jsonb;
  word text;
begin
  -- Phrases first: the words of the query are in them as they were asked. An exclusion is not widened by them.
  foreach is_phrase in array array[true, false] loop
    for same in select jsonb_array_elements(synonyms) loop
      meant := null;
      for word in select jsonb_array_elements_text(same) loop
        target := phraseto_tsquery(language, search.bare(word));
        meant := case when meant is null then target else meant || target end;
      end loop;
      for word in select jsonb_array_elements_text(same) loop
        target := plainto_tsquery(language, search.bare(word));
        continue when numnode(target) = 0 or (numnode(target) > 1) <> is_phrase or not given @> target
          or (is_phrase and given::text ~ '!');
        changed := ts_rewrite(q, target, target || meant);
        if changed::text <> q::text then
          q := changed;
          exit;
        end if;
      end loop;
    end loop;
    if is_phrase then
      q := search.spread(q);
    end if;
  end loop;
  -- A unit may be a word as well: `3 in 1`.
  for measure in
    select m from regexp_matches(search.joined(bare), '(?<![[:alnum:].,])(\d{1,9}(?:p\d{1,6})?)' || search.units(), 'g') m limit 10
  loop
    target := plainto_tsquery('simple', measure[1] || measure[2]);
    changed := plainto_tsquery(language, replace(measure[1], 'p', '.') || ' ' || measure[2]);
    if numnode(target) = 1 and numnode(changed) > 0 then
      q := ts_rewrite(ts_rewrite(q, (target::text || ':*')::tsquery, target), target, target || changed);
    end if;
  end loop;
  return q;
end
$$;

-- The query without what it excludes, which an index can look up; null if nothing is left.
create function search.positive(q tsquery) returns tsquery language sql immutable parallel safe
  return case when numnode(q) = 0 or querytree(q) in ('', 'T') then null else querytree(q)::tsquery end;

commit;
