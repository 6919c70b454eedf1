-- system/0019_search_batch
-- The search index of large imports is made by a job, a row of the index costs a third of what it did, and words can be completed.
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

-- Most texts have a digit, and few a measure: looking for one costs a tenth of making its words.
create or replace function search.words(language regconfig, value text) returns tsvector language plpgsql immutable parallel safe as $$
declare
  bare text;
begin
  if value is null then
    return '';
  end if;
  bare := search.bare(value);
  if bare !~ ('\d\s*' || search.units()) then
    return to_tsvector(language, bare);
  end if;
  return to_tsvector(language, bare) || to_tsvector('simple', search.measures(bare));
end
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
