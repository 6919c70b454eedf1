-- 0003_change_author_brand_category
-- Made by `cargo xtask generate` from schema/.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- the name of each row of product fits into an index
select cms.assert_short('draft.product', array['name']);
select cms.assert_short('live.product', array['name']);

-- the price_currency of each row of product fits into an index
select cms.assert_short('draft.product', array['price_currency']);
select cms.assert_short('live.product', array['price_currency']);

-- create listing post_about_category_id: post_about in the orders of post
select listing.make(
  'post_about_category_id', of => 'post_about', target => 'category_id', owner => 'post',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'title', 'published_on'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(title)) collate sort.und',
    'published_on'
  ]);

-- create listing post_about_product_id: post_about in the orders of post
select listing.make(
  'post_about_product_id', of => 'post_about', target => 'product_id', owner => 'post',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'title', 'published_on'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(title)) collate sort.und',
    'published_on'
  ]);

-- create listing post_about_service_id: post_about in the orders of post
select listing.make(
  'post_about_service_id', of => 'post_about', target => 'service_id', owner => 'post',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'title', 'published_on'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(title)) collate sort.und',
    'published_on'
  ]);

-- create listing post_authors: post_authors in the orders of post
select listing.make(
  'post_authors', of => 'post_authors', target => 'target_id', owner => 'post',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'title', 'published_on'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(title)) collate sort.und',
    'published_on'
  ]);

-- create listing post_tags: post_tags in the orders of post
select listing.make(
  'post_tags', of => 'post_tags', target => 'target_id', owner => 'post',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'title', 'published_on'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(title)) collate sort.und',
    'published_on'
  ]);

-- create listing product_categories: product_categories in the orders of product
select listing.make(
  'product_categories', of => 'product_categories', target => 'target_id', owner => 'product',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'name', 'price_currency', 'price'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(name)) collate sort.und',
    'price_currency collate "C", price'
  ]);

-- create listing product_tags: product_tags in the orders of product
select listing.make(
  'product_tags', of => 'product_tags', target => 'target_id', owner => 'product',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'name', 'price_currency', 'price'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(name)) collate sort.und',
    'price_currency collate "C", price'
  ]);

-- create listing service_categories: service_categories in the orders of service
select listing.make(
  'service_categories', of => 'service_categories', target => 'target_id', owner => 'service',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'name', 'price_currency', 'price', 'duration'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(name)) collate sort.und',
    'price_currency collate "C", price',
    'duration'
  ]);

-- create listing service_products: service_products in the orders of service
select listing.make(
  'service_products', of => 'service_products', target => 'target_id', owner => 'service',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'name', 'price_currency', 'price', 'duration'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(name)) collate sort.und',
    'price_currency collate "C", price',
    'duration'
  ]);

-- create listing service_tags: service_tags in the orders of service
select listing.make(
  'service_tags', of => 'service_tags', target => 'target_id', owner => 'service',
  columns => array['created_at', 'updated_at', 'published_at', 'first_published_at', 'name', 'price_currency', 'price', 'duration'],
  orders => array[
    'created_at',
    'updated_at',
    'published_at',
    'first_published_at',
    '(sort.key(name)) collate sort.und',
    'price_currency collate "C", price',
    'duration'
  ]);

-- count the entries of author
select listing.count_entries('author');

-- count the entries of brand
select listing.count_entries('brand');

-- count the entries of category
select listing.count_entries('category');

-- count the entries of media
select listing.count_entries('media');

-- count the entries of post
select listing.count_entries('post');

-- count the entries of product
select listing.count_entries('product');

-- count the entries of service
select listing.count_entries('service');

-- count the entries of tag
select listing.count_entries('tag');

commit;

-- create index author_name__contains
select listing.index_trigrams('author', 'author_name__contains', 'name');

-- create index brand_country__contains
select listing.index_trigrams('brand', 'brand_country__contains', 'country');

-- create index brand_name__contains
select listing.index_trigrams('brand', 'brand_name__contains', 'name');

-- create index category_name__contains
select listing.index_trigrams('category', 'category_name__contains', 'name');

-- create index media_mime_type__contains
select listing.index_trigrams('media', 'media_mime_type__contains', 'mime_type');

-- create index post_title__contains
select listing.index_trigrams('post', 'post_title__contains', 'title');

-- create index product_brand_id_created_at__list
create index concurrently if not exists product_brand_id_created_at__list on live.product (brand_id, created_at, id);

-- create index product_brand_id_first_published_at__list
create index concurrently if not exists product_brand_id_first_published_at__list on live.product (brand_id, first_published_at, id);

-- create index product_brand_id_name__list
create index concurrently if not exists product_brand_id_name__list on live.product (brand_id, (sort.key(name)) collate sort.und, id);

-- create index product_brand_id_price_currency_price__list
create index concurrently if not exists product_brand_id_price_currency_price__list on live.product (brand_id, price_currency collate "C", price, id);

-- create index product_brand_id_published_at__list
create index concurrently if not exists product_brand_id_published_at__list on live.product (brand_id, published_at, id);

-- create index product_brand_id_updated_at__list
create index concurrently if not exists product_brand_id_updated_at__list on live.product (brand_id, updated_at, id);

-- create index product_name__contains
select listing.index_trigrams('product', 'product_name__contains', 'name');

-- create index service_name__contains
select listing.index_trigrams('service', 'service_name__contains', 'name');

-- create index tag_name__contains
select listing.index_trigrams('tag', 'tag_name__contains', 'name');
