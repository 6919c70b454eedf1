-- The catalogue, the same in every run: $PRODUCTS products with two variants each, 100 categories, 50 brands, 200 tags and 5,000 posts.
-- Texts come from tables of a few hundred, since a million are to be made in a minute.
create function pg_temp.pick(seed text, below int) returns int language sql immutable as
  $$ select (('x' || substr(md5(seed), 1, 7))::bit(28)::int) % below + 1 $$;
create function pg_temp.key(kind text, number int) returns uuid language sql immutable as
  $$ select md5(kind || number)::uuid $$;
create function pg_temp.words(seed text, count int) returns text language sql immutable as
  $$ select string_agg((array['solid','light','oak','linen','field','quiet','river','copper','wool','north','daily','classic','round','tall','warm','slate'])[pg_temp.pick(seed || n, 16)], ' ') from generate_series(1, count) n $$;
-- A made-up word of four syllables: how often it is found does not depend on its number.
create function pg_temp.word(number int) returns text language sql immutable as $$
  select string_agg((array['ba','de','fi','go','lu','ma','ne','po','ri','sa','te','vo','wa','xi','yo','zu'])[1 + (number * 40503 >> (4 * n)) % 16], '' order by n)
  from generate_series(0, 4) n
$$;

create temporary table texts as
select n, initcap(pg_temp.words('name' || n, 3)) as name, pg_temp.words('summary' || n, 12) as summary, pg_temp.words('text' || n, 80) as text
from generate_series(0, 999) n;
create unique index on texts (n);
-- One word for 20 products, whatever the size of the catalogue.
create temporary table rare as select n, pg_temp.word(n) as word from generate_series(0, $PRODUCTS / 20 - 1) n;
create unique index on rare (n);
analyze texts, rare;

insert into draft.brand (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, country)
select pg_temp.key('brand', n), 1, now(), now(), now(), now(), initcap(pg_temp.words('brand' || n, 2)) || ' ' || n, 'brand-' || n, 'DE' from generate_series(1, 50) n;

insert into draft.category (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, parent_id, rank)
select pg_temp.key('category', n), 1, now(), now(), now(), now(), initcap(pg_temp.words('category' || n, 2)), 'category-' || n,
  case when n > 10 then pg_temp.key('category', n % 10 + 1) end, n from generate_series(1, 100) n;

insert into draft.tag (id, revision, created_at, updated_at, published_at, first_published_at, name, slug)
select pg_temp.key('tag', n), 1, now(), now(), now(), now(), pg_temp.words('tag' || n, 1) || ' ' || n, 'tag-' || n from generate_series(1, 200) n;

insert into draft.product (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, summary, description, brand_id, price, price_currency, stock_status)
select pg_temp.key('product', i), 1, timestamptz '2026-01-01' + i * interval '1 second', timestamptz '2026-01-01' + i * interval '1 second', now(), now(),
  a.name || ' ' || r.word || ' ' || i, 'product-' || i, b.summary, c.text,
  pg_temp.key('brand', pg_temp.pick('b' || i, 50)), pg_temp.pick('p' || i, 50000), 'EUR',
  (array['in_stock','low_stock','out_of_stock'])[pg_temp.pick('s' || i, 3)]
from generate_series(1, $PRODUCTS) i
join texts a on a.n = pg_temp.pick('a' || i, 1000) - 1
join texts b on b.n = i % 1000
join texts c on c.n = i / 7 % 1000
join rare r on r.n = i % ($PRODUCTS / 20);

insert into draft.product_variant (id, parent_id, position, sku, price, price_currency, stock_status)
select pg_temp.key('variant' || v || '-', n), pg_temp.key('product', n), v, 'SKU-' || n || '-' || v, pg_temp.pick('p' || n, 50000), 'EUR', 'in_stock'
from generate_series(1, $PRODUCTS) n, generate_series(0, 1) v;

insert into draft.product_categories (owner_id, target_id, position)
select pg_temp.key('product', n), pg_temp.key('category', pg_temp.pick('c' || n, 100)), 0 from generate_series(1, $PRODUCTS) n;

insert into draft.product_tags (owner_id, target_id, position)
select pg_temp.key('product', n), pg_temp.key('tag', tag), row_number() over (partition by n order by tag) - 1
from (select distinct n, pg_temp.pick('t' || n || '-' || k, 200) as tag from generate_series(1, $PRODUCTS) n, generate_series(1, 3) k) picked;

insert into draft.post (id, revision, created_at, updated_at, published_at, first_published_at, title, slug, excerpt, body, published_on)
select pg_temp.key('post', i), 1, timestamptz '2026-01-01' + i * interval '1 hour', timestamptz '2026-01-01' + i * interval '1 hour', now(), now(),
  initcap(pg_temp.words('title' || i, 5)) || ' ' || i, 'post-' || i, pg_temp.words('excerpt' || i, 20), t.text, date '2026-01-01' + i % 365
from generate_series(1, 5000) i join texts t on t.n = i % 1000;

insert into draft.post_tags (owner_id, target_id, position)
select pg_temp.key('post', n), pg_temp.key('tag', pg_temp.pick('pt' || n, 200)), 0 from generate_series(1, 5000) n;
