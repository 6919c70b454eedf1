-- system/0019_search_batch
-- The search index of large imports is made by a job, a row of the index costs a third of what it did, and words can be completed.
-- Hyphens may be left out, whole words come before their beginnings, and some of the words are better than none.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- Entries whose rows are not written yet: the batches of a large import. Those who follow the events enqueue jobs for them.
create table search.stale (
  id bigint generated always as identity primary key,
  type text not null,
  is_live boolean not null,
  entries uuid[] not null
);

-- What editors say of searches: entries that come first for a query, or are not found by it.
create table search.rule (
  -- As it is compared: see `store::search::rules`.
  query text collate "C" primary key,
  -- As it was written.
  written text not null,
  pinned_types text[] not null,
  pinned uuid[] not null,
  hidden_types text[] not null,
  hidden uuid[] not null,
  updated_at timestamptz not null default now(),
  constraint rule_query_check check (length(query) between 1 and 300)
);

-- Words that mean the same, besides those of the schema.
create table search.synonym (
  id uuid primary key,
  words text[] not null,
  created_at timestamptz not null default now()
);

-- How often visitors ask for what, by day.
create table search.asked (
  day date not null,
  query text collate "C" not null,
  times bigint not null,
  without_result bigint not null,
  constraint asked_pkey primary key (day, query)
);

-- `t-shirt` as one word, since some write it so: in its place, and alone.
create function search.whole(bare text) returns text language sql immutable parallel safe
  return regexp_replace(bare, '(?<=[[:alnum:]])-(?=[[:alpha:]])', '', 'g');

create function search.wholes(bare text) returns text language sql immutable parallel safe as $$
  select coalesce(string_agg(replace(m[1], '-', ''), ' '), '') from regexp_matches(bare, '[[:alnum:]]+(?:-[[:alpha:]]+)+', 'g') m
$$;

-- Most texts have a digit, and few a measure: looking for one costs a tenth of making its words.
create or replace function search.words(language regconfig, value text) returns tsvector language plpgsql immutable parallel safe as $$
declare
  bare text;
  words tsvector := '';
begin
  if value is null then
    return '';
  end if;
  bare := search.bare(value);
  if bare ~ '[[:alnum:]]-[[:alpha:]]' then
    words := to_tsvector(language, search.wholes(bare));
  end if;
  if bare ~ ('\d\s*' || search.units()) then
    words := words || to_tsvector('simple', search.measures(bare));
  end if;
  return to_tsvector(language, bare) || words;
end
$$;

create or replace function search.query(language regconfig, asked text, synonyms jsonb) returns tsquery
language plpgsql immutable parallel safe set client_min_messages = error as $$
declare
  bare text := search.bare(asked);
  given tsquery := websearch_to_tsquery(language, search.joined(bare));
  q tsquery := given;
  changed tsquery;
  meant tsquery;
  target tsquery;
  whole tsquery;
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
  if bare ~ '[[:alnum:]]-[[:alpha:]]' then
    whole := search.spread(websearch_to_tsquery(language, search.joined(search.whole(bare))));
    -- An exclusion excludes both.
    q := case when given::text ~ '!' then q && whole else q || whole end;
  end if;
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

-- The query without the beginnings of words: those who have the words themselves come first.
create function search.strict(q tsquery) returns tsquery language sql immutable parallel safe
  return regexp_replace(q::text, ' \| ''(?:[^'']|'''')+'':\*[A-D]*', '', 'g')::tsquery;

-- Any of the words, for a query that nothing has all words of; null if it excludes something, or has only one word.
create function search.some(language regconfig, asked text, synonyms jsonb) returns tsquery language sql immutable parallel safe as $$
  select replace(q::text, ' & ', ' | ')::tsquery from (select search.query(language, asked, synonyms)) r(q)
  where q::text !~ '!' and q::text like '% & %'
$$;

-- The document of an entry, by the weights of its texts. Short texts need no precautions.
create function search.texts(language regconfig, a text, b text, c text, d text) returns tsvector
language plpgsql immutable parallel restricted as $$
begin
  if octet_length(concat(a, b, c, d)) < 50000 then
    return setweight(search.words(language, a), 'A') || setweight(search.words(language, b), 'B')
      || setweight(search.words(language, c), 'C') || setweight(search.words(language, d), 'D');
  end if;
  return search.document(language, jsonb_build_array(
    jsonb_build_array('A', '', a), jsonb_build_array('B', '', b), jsonb_build_array('C', '', c), jsonb_build_array('D', '', d)));
end
$$;

create function search.head(value text) returns text language sql immutable parallel safe
  return coalesce(left(sort.bare(left(value, 500)), 500), '');

-- Markdown and markup as plain text.
create or replace function search.plain(value text) returns text language plpgsql immutable parallel safe as $$
begin
  if strpos(value, '](') > 0 then
    value := regexp_replace(value, '!?\[([^\]]*)\]\([^)]*\)', '\1', 'g');
  end if;
  if strpos(value, '<') > 0 then
    value := regexp_replace(value, '<[^<>]*>', ' ', 'g');
  end if;
  if value ~ '(^|\n)\s{0,3}[-#*+>0-9]' then
    value := regexp_replace(value, '(^|\n)\s{0,3}(#{1,6}|[-*+>]|\d+\.)\s+', '\1', 'g');
  end if;
  return translate(value, '*_`~|', '     ');
end
$$;

-- What is asked without its stop words, unless it has no other or is a phrase.
create function search.without(asked text, stop text[]) returns text language sql immutable parallel safe as $$
  select case when asked like '%"%' then asked else coalesce(nullif(
    string_agg(w, ' ' order by n) filter (where sort.bare(w) <> all (select sort.bare(s) from unnest(stop) s)), ''), asked) end
  from regexp_split_to_table(asked, '\s+') with ordinality r(w, n)
$$;

-- The beginning of a word at the end of what is typed; null if it is none, or of an exclusion.
create function search.beginning(typed text) returns text language sql immutable parallel safe
  return substring(search.bare(typed) from '(?:^|[^-[:alnum:]])([[:alnum:]]+)$');

-- What is typed before it.
create function search.before(language regconfig, typed text, synonyms jsonb) returns tsquery language sql immutable parallel safe
  return search.query(language, substring(search.bare(typed) from '^(.*?)-?[[:alnum:]]*$'), synonyms);

-- What is asked by somebody who has typed only the beginning of the last word. The beginning counts in texts of high weight.
create function search.begun(language regconfig, typed text, synonyms jsonb) returns tsquery
language plpgsql immutable parallel safe set client_min_messages = error as $$
declare
  begun text := search.beginning(typed);
begin
  if begun is null then
    return search.before(language, typed, synonyms);
  end if;
  return search.before(language, typed, synonyms)
    && (plainto_tsquery(language, begun) || (quote_literal(begun) || ':*AB')::tsquery);
end
$$;

-- The same as a pattern. An index of trigrams has no use for less than three letters.
create function search.begins(typed text) returns text language sql immutable parallel safe
  return (select '\m' || w from (select search.beginning(typed)) b(w) where length(w) > 2);

-- Whether a word of the title begins like this: the stem of a word does not have the beginnings of its longer forms.
do $$
begin
  if exists (select from pg_catalog.pg_extension where extname = 'pg_trgm') then
    create function search.has_beginning(pattern text, title text) returns boolean language sql immutable parallel safe
      return title ~ pattern;
  else
    create function search.has_beginning(pattern text, title text) returns boolean language sql immutable parallel safe return false;
  end if;
end
$$;

commit;
