-- 10,000 products with 20,000 variants, 100 categories, 50 brands, 200 tags and 5,000 posts: the same in every run.
create function pg_temp.pick(seed text, below int) returns int language sql immutable as
  $$ select (('x' || substr(md5(seed), 1, 7))::bit(28)::int) % below + 1 $$;
create function pg_temp.key(kind text, number int) returns uuid language sql immutable as
  $$ select md5(kind || number)::uuid $$;
create function pg_temp.words(seed text, count int) returns text language sql immutable as
  $$ select string_agg((array['solid','light','oak','linen','field','quiet','river','copper','wool','north','daily','classic','round','tall','warm','slate'])[pg_temp.pick(seed || n, 16)], ' ') from generate_series(1, count) n $$;

insert into draft.brand (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, country)
select pg_temp.key('brand', n), 1, now(), now(), now(), now(), initcap(pg_temp.words('brand' || n, 2)) || ' ' || n, 'brand-' || n, 'DE' from generate_series(1, 50) n;

insert into draft.category (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, parent_id, rank)
select pg_temp.key('category', n), 1, now(), now(), now(), now(), initcap(pg_temp.words('category' || n, 2)), 'category-' || n,
  case when n > 10 then pg_temp.key('category', n % 10 + 1) end, n from generate_series(1, 100) n;

insert into draft.tag (id, revision, created_at, updated_at, published_at, first_published_at, name, slug)
select pg_temp.key('tag', n), 1, now(), now(), now(), now(), pg_temp.words('tag' || n, 1) || ' ' || n, 'tag-' || n from generate_series(1, 200) n;

insert into draft.product (id, revision, created_at, updated_at, published_at, first_published_at, name, slug, summary, description, brand_id, price, price_currency, stock_status)
select pg_temp.key('product', n), 1, timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-01' + n * interval '1 minute', now(), now(),
  initcap(pg_temp.words('name' || n, 3)) || ' ' || n, 'product-' || n, pg_temp.words('summary' || n, 12), pg_temp.words('text' || n, 80),
  pg_temp.key('brand', pg_temp.pick('b' || n, 50)), pg_temp.pick('p' || n, 50000), 'EUR',
  (array['in_stock','low_stock','out_of_stock'])[pg_temp.pick('s' || n, 3)] from generate_series(1, 10000) n;

insert into draft.product_variant (id, parent_id, position, sku, price, price_currency, stock_status)
select pg_temp.key('variant' || v || '-', n), pg_temp.key('product', n), v, 'SKU-' || n || '-' || v, pg_temp.pick('p' || n, 50000), 'EUR', 'in_stock'
from generate_series(1, 10000) n, generate_series(0, 1) v;

insert into draft.product_categories (owner_id, target_id, position)
select pg_temp.key('product', n), pg_temp.key('category', category), 0
from (select n, pg_temp.pick('c' || n, 100) as category from generate_series(1, 10000) n) picked;

insert into draft.product_tags (owner_id, target_id, position)
select pg_temp.key('product', n), pg_temp.key('tag', tag), row_number() over (partition by n order by tag) - 1
from (select distinct n, pg_temp.pick('t' || n || '-' || k, 200) as tag from generate_series(1, 10000) n, generate_series(1, 3) k) picked;

insert into draft.post (id, revision, created_at, updated_at, published_at, first_published_at, title, slug, excerpt, body, published_on)
select pg_temp.key('post', n), 1, timestamptz '2026-01-01' + n * interval '1 hour', timestamptz '2026-01-01' + n * interval '1 hour', now(), now(),
  initcap(pg_temp.words('title' || n, 5)) || ' ' || n, 'post-' || n, pg_temp.words('excerpt' || n, 20), pg_temp.words('body' || n, 300), date '2026-01-01' + n % 365
from generate_series(1, 5000) n;

insert into draft.post_tags (owner_id, target_id, position)
select pg_temp.key('post', n), pg_temp.key('tag', pg_temp.pick('pt' || n, 200)), 0 from generate_series(1, 5000) n;
