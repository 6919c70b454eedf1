-- system/0021_search_engine
-- A search engine beside PostgreSQL: which indexes it has, which entries it has not been told of yet, and what it is asked.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- The indexes of the engine. Entries are sent to all of them; what is asked goes to the built one of a type and a stage.
create table search.engine (
  index text primary key,
  type text not null,
  is_live boolean not null,
  -- What its documents and mappings are made from, and whose job makes it.
  by text not null,
  job text not null,
  -- While it is built: the last entry that was sent.
  reached uuid,
  is_built boolean not null default false,
  made_at timestamptz not null default now()
);

-- Entries that the engine has not been told of, in the order of their changes.
create table search.unsent (
  id bigint generated always as identity primary key,
  type text not null,
  is_live boolean not null,
  entry uuid not null,
  -- Whether the change has removed it.
  is_gone boolean not null,
  at timestamptz not null default now()
);

-- What is sent once has all changes of the entry.
create index unsent_entry_idx on search.unsent (entry);

-- The version of what is sent: taken under the lock of those who send, before the rows are read.
create sequence search.version;

-- Words as the parser of the index splits texts, so that the engine only has to split them at spaces.
create function search.split(value text) returns text language sql immutable parallel safe as $$
  select coalesce(string_agg(token, ' '), '') from ts_parse('default', value) where tokid not in (12, 13, 14, 23)
$$;

-- The document of an entry for the engine: for each text its words, and again those that are written as one and its measures.
create function search.sent(parts jsonb) returns jsonb language sql immutable parallel safe as $$
  select coalesce(jsonb_object_agg(replace(p->>1, '.', '__'),
    jsonb_build_array(search.split(b.bare), search.split(search.wholes(b.bare)), search.split(search.measures(b.bare)))), '{}')
  from jsonb_array_elements(parts) p cross join lateral (select search.bare(p->>2)) b(bare)
  where p->>2 is not null
$$;

-- What is asked, for the engine, which finds the forms of words itself: the words as they are written, for each what it is in the
-- language (nothing for a stop word), and whether PostgreSQL would find anything by it. A synonym is known in all its forms.
create function search.told(kind text, language regconfig, asked text, synonyms jsonb) returns jsonb
language plpgsql immutable parallel safe set client_min_messages = error as $$
declare
  q tsquery;
  plain tsquery;
  wide jsonb := synonyms;
  kept text := asked;
begin
  -- A stop word that is excluded excludes nothing, and a query without an exclusion is read in another way.
  if language <> 'simple'::regconfig and asked like '%-%' and asked not like '%"%' then
    select coalesce(string_agg(w, ' ' order by n), '') into kept
    from regexp_split_to_table(asked, '\s+') with ordinality r(w, n)
    where not (w ~ '^-[[:alpha:]]+$' and numnode(plainto_tsquery(language, search.bare(substr(w, 2)))) = 0);
  end if;
  if language <> 'simple'::regconfig and synonyms <> '[]' then
    select coalesce(jsonb_agg(g || coalesce((
      select jsonb_agg(distinct w) from regexp_split_to_table(search.bare(asked), '[^[:alnum:]]+') w
      where numnode(plainto_tsquery(language, w)) = 1 and not g ? w and exists (
        select from jsonb_array_elements_text(g) s
        where plainto_tsquery(language, search.bare(s))::text = plainto_tsquery(language, w)::text)
    ), '[]')), '[]') into wide from jsonb_array_elements(synonyms) g;
  end if;
  q := case kind when 'some' then search.some(language, asked, synonyms) else search.query(language, asked, synonyms) end;
  plain := case kind when 'some' then search.some('simple', kept, wide) else search.query('simple', kept, wide) end;
  return jsonb_build_object(
    'finds', q is not null and search.positive(q) is not null,
    'query', coalesce(plain::text, ''),
    'stems', coalesce((
      select jsonb_object_agg(w, plainto_tsquery(language, w)::text)
      from (select distinct replace(m[1], '''''', '''') from regexp_matches(plain::text, '''((?:[^'']|'''')+)''', 'g') m) k(w)
    ), '{}'));
end
$$;

commit;
