-- system/0022_search_words
-- A word with hyphens is found however its parts are written: together, apart, or as a part of a longer one. Letters that stand for two
-- are these two.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- Small letters without accents. PostgreSQL would take the hyphen of `AB-12` for the sign of a number.
create or replace function search.bare(value text) returns text language sql immutable parallel safe
  return regexp_replace(replace(replace(replace(sort.bare(value), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
    '(?<=[[:alnum:]])-(?=\d)', ' ', 'g');

create or replace function search.wholes(bare text) returns text language sql immutable parallel safe as $$
  select coalesce(string_agg(replace(m[1], '-', ''), ' '), '')
  from regexp_matches(bare, '[[:alnum:]]+(?:-[[:alpha:]][[:alnum:]]*)+', 'g') m
$$;

-- `t-shirt` as two words.
create function search.apart(bare text) returns text language sql immutable parallel safe
  return regexp_replace(bare, '(?<=[[:alnum:]])-(?=[[:alpha:]])', ' ', 'g');

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
    q := case when given::text ~ '!' then q && whole
      else q || whole || search.spread(websearch_to_tsquery(language, search.joined(search.apart(bare)))) end;
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

-- The rows are made again by the jobs of the servers.
update search.made set by = '';

commit;
