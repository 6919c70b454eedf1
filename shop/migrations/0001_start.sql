-- 0001_start
-- Made by `cargo xtask generate` from schema/.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- what editors see, and what everybody sees
create schema draft;
create schema live;

-- create table author
create table draft.author (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  email text,
  bio text,
  website text,
  portrait_id uuid,
  constraint author_pkey primary key (id)
);
create table live.author (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  email text,
  bio text,
  website text,
  portrait_id uuid,
  constraint author_pkey primary key (id)
);

-- create table brand
create table draft.brand (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  description text,
  website text,
  color text,
  logo_id uuid,
  country text,
  constraint brand_pkey primary key (id)
);
create table live.brand (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  description text,
  website text,
  color text,
  logo_id uuid,
  country text,
  constraint brand_pkey primary key (id)
);

-- create table category
create table draft.category (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  parent_id uuid,
  rank bigint,
  description text,
  image_id uuid,
  body jsonb not null default '[]',
  seo jsonb,
  constraint category_pkey primary key (id),
  constraint category_rank_check check (rank between -2147483648 and 2147483647)
);
create table live.category (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  parent_id uuid,
  rank bigint,
  description text,
  image_id uuid,
  body jsonb not null default '[]',
  seo jsonb,
  constraint category_pkey primary key (id),
  constraint category_rank_check check (rank between -2147483648 and 2147483647)
);

-- create table media
create table draft.media (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  url text not null,
  alt text,
  title text,
  mime_type text,
  width bigint,
  height bigint,
  size bigint,
  constraint media_pkey primary key (id),
  constraint media_width_check check (width between -2147483648 and 2147483647),
  constraint media_height_check check (height between -2147483648 and 2147483647)
);
create table live.media (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  url text not null,
  alt text,
  title text,
  mime_type text,
  width bigint,
  height bigint,
  size bigint,
  constraint media_pkey primary key (id),
  constraint media_width_check check (width between -2147483648 and 2147483647),
  constraint media_height_check check (height between -2147483648 and 2147483647)
);

-- create table post
create table draft.post (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  title text not null,
  slug text not null,
  excerpt text,
  body text,
  cover_id uuid,
  published_on date,
  featured boolean,
  attributes jsonb,
  seo jsonb,
  constraint post_pkey primary key (id)
);
create table live.post (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  title text not null,
  slug text not null,
  excerpt text,
  body text,
  cover_id uuid,
  published_on date,
  featured boolean,
  attributes jsonb,
  seo jsonb,
  constraint post_pkey primary key (id)
);

-- create table product
create table draft.product (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  summary text,
  description text,
  brand_id uuid,
  price bigint,
  price_currency text,
  compare_at_price bigint,
  compare_at_price_currency text,
  tax_included boolean,
  stock_status text not null,
  options jsonb not null default '[]',
  attributes jsonb,
  body jsonb not null default '[]',
  seo jsonb,
  external_ref text,
  constraint product_pkey primary key (id),
  constraint product_price_check check ((price is null) = (price_currency is null)),
  constraint product_compare_at_price_check check ((compare_at_price is null) = (compare_at_price_currency is null)),
  constraint product_stock_status_check check (stock_status in ('in_stock', 'low_stock', 'out_of_stock', 'preorder', 'backorder', 'discontinued'))
);
create table live.product (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  summary text,
  description text,
  brand_id uuid,
  price bigint,
  price_currency text,
  compare_at_price bigint,
  compare_at_price_currency text,
  tax_included boolean,
  stock_status text not null,
  options jsonb not null default '[]',
  attributes jsonb,
  body jsonb not null default '[]',
  seo jsonb,
  external_ref text,
  constraint product_pkey primary key (id),
  constraint product_price_check check ((price is null) = (price_currency is null)),
  constraint product_compare_at_price_check check ((compare_at_price is null) = (compare_at_price_currency is null)),
  constraint product_stock_status_check check (stock_status in ('in_stock', 'low_stock', 'out_of_stock', 'preorder', 'backorder', 'discontinued'))
);

-- create table service
create table draft.service (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  summary text,
  description text,
  price bigint,
  price_currency text,
  price_unit text not null,
  duration bigint,
  buffer_before bigint,
  buffer_after bigint,
  capacity bigint,
  lead_time bigint,
  booking_horizon bigint,
  location_mode text not null,
  area_served jsonb not null default '[]',
  time_zone text,
  opening_hours jsonb not null default '[]',
  booking_url text,
  cancellation_policy text,
  body jsonb not null default '[]',
  seo jsonb,
  external_ref text,
  constraint service_pkey primary key (id),
  constraint service_price_check check ((price is null) = (price_currency is null)),
  constraint service_price_unit_check check (price_unit in ('fixed', 'from', 'per_hour', 'per_session', 'per_person', 'per_day')),
  constraint service_capacity_check check (capacity between -2147483648 and 2147483647),
  constraint service_location_mode_check check (location_mode in ('on_site', 'at_customer', 'online'))
);
create table live.service (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  summary text,
  description text,
  price bigint,
  price_currency text,
  price_unit text not null,
  duration bigint,
  buffer_before bigint,
  buffer_after bigint,
  capacity bigint,
  lead_time bigint,
  booking_horizon bigint,
  location_mode text not null,
  area_served jsonb not null default '[]',
  time_zone text,
  opening_hours jsonb not null default '[]',
  booking_url text,
  cancellation_policy text,
  body jsonb not null default '[]',
  seo jsonb,
  external_ref text,
  constraint service_pkey primary key (id),
  constraint service_price_check check ((price is null) = (price_currency is null)),
  constraint service_price_unit_check check (price_unit in ('fixed', 'from', 'per_hour', 'per_session', 'per_person', 'per_day')),
  constraint service_capacity_check check (capacity between -2147483648 and 2147483647),
  constraint service_location_mode_check check (location_mode in ('on_site', 'at_customer', 'online'))
);

-- create table tag
create table draft.tag (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  constraint tag_pkey primary key (id)
);
create table live.tag (
  id uuid not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  published_at timestamptz,
  first_published_at timestamptz,
  created_by uuid,
  updated_by uuid,
  published_by uuid,
  name text not null,
  slug text not null,
  constraint tag_pkey primary key (id)
);

-- create table product_variant
create table draft.product_variant (
  id uuid not null,
  parent_id uuid not null,
  position bigint not null,
  sku text not null,
  name text,
  options jsonb,
  price bigint,
  price_currency text,
  compare_at_price bigint,
  compare_at_price_currency text,
  cost bigint,
  cost_currency text,
  stock_status text not null,
  gtin text,
  weight bigint,
  image_id uuid,
  constraint product_variant_pkey primary key (id),
  constraint product_variant_price_check check ((price is null) = (price_currency is null)),
  constraint product_variant_compare_at_price_check check ((compare_at_price is null) = (compare_at_price_currency is null)),
  constraint product_variant_cost_check check ((cost is null) = (cost_currency is null)),
  constraint product_variant_stock_status_check check (stock_status in ('in_stock', 'low_stock', 'out_of_stock', 'preorder', 'backorder', 'discontinued')),
  constraint product_variant_weight_check check (weight between -2147483648 and 2147483647)
);
create table live.product_variant (
  id uuid not null,
  parent_id uuid not null,
  position bigint not null,
  sku text not null,
  name text,
  options jsonb,
  price bigint,
  price_currency text,
  compare_at_price bigint,
  compare_at_price_currency text,
  cost bigint,
  cost_currency text,
  stock_status text not null,
  gtin text,
  weight bigint,
  image_id uuid,
  constraint product_variant_pkey primary key (id),
  constraint product_variant_price_check check ((price is null) = (price_currency is null)),
  constraint product_variant_compare_at_price_check check ((compare_at_price is null) = (compare_at_price_currency is null)),
  constraint product_variant_cost_check check ((cost is null) = (cost_currency is null)),
  constraint product_variant_stock_status_check check (stock_status in ('in_stock', 'low_stock', 'out_of_stock', 'preorder', 'backorder', 'discontinued')),
  constraint product_variant_weight_check check (weight between -2147483648 and 2147483647)
);

-- create table post_about
create table draft.post_about (
  owner_id uuid not null,
  product_id uuid,
  service_id uuid,
  category_id uuid,
  position bigint not null,
  constraint post_about_item_check check (num_nonnulls(product_id, service_id, category_id) = 1)
);
create table live.post_about (
  owner_id uuid not null,
  product_id uuid,
  service_id uuid,
  category_id uuid,
  position bigint not null,
  constraint post_about_item_check check (num_nonnulls(product_id, service_id, category_id) = 1)
);

-- create table post_authors
create table draft.post_authors (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint post_authors_pkey primary key (owner_id, target_id)
);
create table live.post_authors (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint post_authors_pkey primary key (owner_id, target_id)
);

-- create table post_tags
create table draft.post_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint post_tags_pkey primary key (owner_id, target_id)
);
create table live.post_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint post_tags_pkey primary key (owner_id, target_id)
);

-- create table product_categories
create table draft.product_categories (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_categories_pkey primary key (owner_id, target_id)
);
create table live.product_categories (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_categories_pkey primary key (owner_id, target_id)
);

-- create table product_images
create table draft.product_images (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_images_pkey primary key (owner_id, target_id)
);
create table live.product_images (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_images_pkey primary key (owner_id, target_id)
);

-- create table product_related
create table draft.product_related (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_related_pkey primary key (owner_id, target_id)
);
create table live.product_related (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_related_pkey primary key (owner_id, target_id)
);

-- create table product_tags
create table draft.product_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_tags_pkey primary key (owner_id, target_id)
);
create table live.product_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint product_tags_pkey primary key (owner_id, target_id)
);

-- create table service_categories
create table draft.service_categories (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_categories_pkey primary key (owner_id, target_id)
);
create table live.service_categories (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_categories_pkey primary key (owner_id, target_id)
);

-- create table service_images
create table draft.service_images (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_images_pkey primary key (owner_id, target_id)
);
create table live.service_images (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_images_pkey primary key (owner_id, target_id)
);

-- create table service_products
create table draft.service_products (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_products_pkey primary key (owner_id, target_id)
);
create table live.service_products (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_products_pkey primary key (owner_id, target_id)
);

-- create table service_tags
create table draft.service_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_tags_pkey primary key (owner_id, target_id)
);
create table live.service_tags (
  owner_id uuid not null,
  target_id uuid not null,
  position bigint not null,
  constraint service_tags_pkey primary key (owner_id, target_id)
);

-- add constraint author_id_fkey
alter table live.author add constraint author_id_fkey foreign key (id) references draft.author (id) on delete cascade;

-- add constraint author_portrait_id_fkey
alter table draft.author add constraint author_portrait_id_fkey foreign key (portrait_id) references draft.media (id) on delete restrict;

-- add constraint brand_id_fkey
alter table live.brand add constraint brand_id_fkey foreign key (id) references draft.brand (id) on delete cascade;

-- add constraint brand_logo_id_fkey
alter table draft.brand add constraint brand_logo_id_fkey foreign key (logo_id) references draft.media (id) on delete restrict;

-- add constraint category_id_fkey
alter table live.category add constraint category_id_fkey foreign key (id) references draft.category (id) on delete cascade;

-- add constraint category_image_id_fkey
alter table draft.category add constraint category_image_id_fkey foreign key (image_id) references draft.media (id) on delete restrict;

-- add constraint category_parent_id_fkey
alter table draft.category add constraint category_parent_id_fkey foreign key (parent_id) references draft.category (id) on delete restrict;

-- add constraint media_id_fkey
alter table live.media add constraint media_id_fkey foreign key (id) references draft.media (id) on delete cascade;

-- add constraint post_cover_id_fkey
alter table draft.post add constraint post_cover_id_fkey foreign key (cover_id) references draft.media (id) on delete restrict;

-- add constraint post_id_fkey
alter table live.post add constraint post_id_fkey foreign key (id) references draft.post (id) on delete cascade;

-- add constraint post_about_category_id_fkey
alter table draft.post_about add constraint post_about_category_id_fkey foreign key (category_id) references draft.category (id) on delete cascade;

-- add constraint post_about_owner_id_fkey
alter table draft.post_about add constraint post_about_owner_id_fkey foreign key (owner_id) references draft.post (id) on delete cascade;

-- add constraint post_about_product_id_fkey
alter table draft.post_about add constraint post_about_product_id_fkey foreign key (product_id) references draft.product (id) on delete cascade;

-- add constraint post_about_service_id_fkey
alter table draft.post_about add constraint post_about_service_id_fkey foreign key (service_id) references draft.service (id) on delete cascade;

-- add constraint post_authors_owner_id_fkey
alter table draft.post_authors add constraint post_authors_owner_id_fkey foreign key (owner_id) references draft.post (id) on delete cascade;

-- add constraint post_authors_target_id_fkey
alter table draft.post_authors add constraint post_authors_target_id_fkey foreign key (target_id) references draft.author (id) on delete restrict;

-- add constraint post_tags_owner_id_fkey
alter table draft.post_tags add constraint post_tags_owner_id_fkey foreign key (owner_id) references draft.post (id) on delete cascade;

-- add constraint post_tags_target_id_fkey
alter table draft.post_tags add constraint post_tags_target_id_fkey foreign key (target_id) references draft.tag (id) on delete cascade;

-- add constraint product_brand_id_fkey
alter table draft.product add constraint product_brand_id_fkey foreign key (brand_id) references draft.brand (id) on delete restrict;

-- add constraint product_id_fkey
alter table live.product add constraint product_id_fkey foreign key (id) references draft.product (id) on delete cascade;

-- add constraint product_categories_owner_id_fkey
alter table draft.product_categories add constraint product_categories_owner_id_fkey foreign key (owner_id) references draft.product (id) on delete cascade;

-- add constraint product_categories_target_id_fkey
alter table draft.product_categories add constraint product_categories_target_id_fkey foreign key (target_id) references draft.category (id) on delete restrict;

-- add constraint product_images_owner_id_fkey
alter table draft.product_images add constraint product_images_owner_id_fkey foreign key (owner_id) references draft.product (id) on delete cascade;

-- add constraint product_images_target_id_fkey
alter table draft.product_images add constraint product_images_target_id_fkey foreign key (target_id) references draft.media (id) on delete restrict;

-- add constraint product_related_owner_id_fkey
alter table draft.product_related add constraint product_related_owner_id_fkey foreign key (owner_id) references draft.product (id) on delete cascade;

-- add constraint product_related_target_id_fkey
alter table draft.product_related add constraint product_related_target_id_fkey foreign key (target_id) references draft.product (id) on delete cascade;

-- add constraint product_tags_owner_id_fkey
alter table draft.product_tags add constraint product_tags_owner_id_fkey foreign key (owner_id) references draft.product (id) on delete cascade;

-- add constraint product_tags_target_id_fkey
alter table draft.product_tags add constraint product_tags_target_id_fkey foreign key (target_id) references draft.tag (id) on delete cascade;

-- add constraint product_variant_image_id_fkey
alter table draft.product_variant add constraint product_variant_image_id_fkey foreign key (image_id) references draft.media (id) on delete restrict;

-- add constraint product_variant_parent_id_fkey
alter table draft.product_variant add constraint product_variant_parent_id_fkey foreign key (parent_id) references draft.product (id) on delete cascade;

-- add constraint service_id_fkey
alter table live.service add constraint service_id_fkey foreign key (id) references draft.service (id) on delete cascade;

-- add constraint service_categories_owner_id_fkey
alter table draft.service_categories add constraint service_categories_owner_id_fkey foreign key (owner_id) references draft.service (id) on delete cascade;

-- add constraint service_categories_target_id_fkey
alter table draft.service_categories add constraint service_categories_target_id_fkey foreign key (target_id) references draft.category (id) on delete restrict;

-- add constraint service_images_owner_id_fkey
alter table draft.service_images add constraint service_images_owner_id_fkey foreign key (owner_id) references draft.service (id) on delete cascade;

-- add constraint service_images_target_id_fkey
alter table draft.service_images add constraint service_images_target_id_fkey foreign key (target_id) references draft.media (id) on delete restrict;

-- add constraint service_products_owner_id_fkey
alter table draft.service_products add constraint service_products_owner_id_fkey foreign key (owner_id) references draft.service (id) on delete cascade;

-- add constraint service_products_target_id_fkey
alter table draft.service_products add constraint service_products_target_id_fkey foreign key (target_id) references draft.product (id) on delete cascade;

-- add constraint service_tags_owner_id_fkey
alter table draft.service_tags add constraint service_tags_owner_id_fkey foreign key (owner_id) references draft.service (id) on delete cascade;

-- add constraint service_tags_target_id_fkey
alter table draft.service_tags add constraint service_tags_target_id_fkey foreign key (target_id) references draft.tag (id) on delete cascade;

-- add constraint tag_id_fkey
alter table live.tag add constraint tag_id_fkey foreign key (id) references draft.tag (id) on delete cascade;

-- create index author_created_at_idx
create index author_created_at_idx on draft.author (created_at, id);
create index author_created_at_idx on live.author (created_at, id);

-- create index author_first_published_at_idx
create index author_first_published_at_idx on draft.author (first_published_at, id);
create index author_first_published_at_idx on live.author (first_published_at, id);

-- create index author_name__contains
select listing.index_trigrams('author', 'author_name__contains', 'name');

-- create index author_name__sort
create index author_name__sort on draft.author ((sort.key(name)) collate sort.und, id);
create index author_name__sort on live.author ((sort.key(name)) collate sort.und, id);

-- create index author_portrait_id_idx
create index author_portrait_id_idx on draft.author (portrait_id, id);
create index author_portrait_id_idx on live.author (portrait_id, id);

-- create index author_published_at_idx
create index author_published_at_idx on draft.author (published_at, id);
create index author_published_at_idx on live.author (published_at, id);

-- create index author_slug_key
create unique index author_slug_key on draft.author (slug);
create unique index author_slug_key on live.author (slug);

-- create index author_updated_at_idx
create index author_updated_at_idx on draft.author (updated_at, id);
create index author_updated_at_idx on live.author (updated_at, id);

-- create index brand_country__contains
select listing.index_trigrams('brand', 'brand_country__contains', 'country');

-- create index brand_country__sort
create index brand_country__sort on draft.brand ((sort.key(country)) collate sort.und, id);
create index brand_country__sort on live.brand ((sort.key(country)) collate sort.und, id);

-- create index brand_created_at_idx
create index brand_created_at_idx on draft.brand (created_at, id);
create index brand_created_at_idx on live.brand (created_at, id);

-- create index brand_first_published_at_idx
create index brand_first_published_at_idx on draft.brand (first_published_at, id);
create index brand_first_published_at_idx on live.brand (first_published_at, id);

-- create index brand_logo_id_idx
create index brand_logo_id_idx on draft.brand (logo_id, id);
create index brand_logo_id_idx on live.brand (logo_id, id);

-- create index brand_name__contains
select listing.index_trigrams('brand', 'brand_name__contains', 'name');

-- create index brand_name__sort
create index brand_name__sort on draft.brand ((sort.key(name)) collate sort.und, id);
create index brand_name__sort on live.brand ((sort.key(name)) collate sort.und, id);

-- create index brand_published_at_idx
create index brand_published_at_idx on draft.brand (published_at, id);
create index brand_published_at_idx on live.brand (published_at, id);

-- create index brand_slug_key
create unique index brand_slug_key on draft.brand (slug);
create unique index brand_slug_key on live.brand (slug);

-- create index brand_updated_at_idx
create index brand_updated_at_idx on draft.brand (updated_at, id);
create index brand_updated_at_idx on live.brand (updated_at, id);

-- create index category_created_at_idx
create index category_created_at_idx on draft.category (created_at, id);
create index category_created_at_idx on live.category (created_at, id);

-- create index category_first_published_at_idx
create index category_first_published_at_idx on draft.category (first_published_at, id);
create index category_first_published_at_idx on live.category (first_published_at, id);

-- create index category_image_id_idx
create index category_image_id_idx on draft.category (image_id, id);
create index category_image_id_idx on live.category (image_id, id);

-- create index category_name__contains
select listing.index_trigrams('category', 'category_name__contains', 'name');

-- create index category_name__sort
create index category_name__sort on draft.category ((sort.key(name)) collate sort.und, id);
create index category_name__sort on live.category ((sort.key(name)) collate sort.und, id);

-- create index category_parent_id_idx
create index category_parent_id_idx on draft.category (parent_id, id);
create index category_parent_id_idx on live.category (parent_id, id);

-- create index category_published_at_idx
create index category_published_at_idx on draft.category (published_at, id);
create index category_published_at_idx on live.category (published_at, id);

-- create index category_rank_idx
create index category_rank_idx on draft.category (rank, id);
create index category_rank_idx on live.category (rank, id);

-- create index category_slug_key
create unique index category_slug_key on draft.category (slug);
create unique index category_slug_key on live.category (slug);

-- create index category_updated_at_idx
create index category_updated_at_idx on draft.category (updated_at, id);
create index category_updated_at_idx on live.category (updated_at, id);

-- create index media_created_at_idx
create index media_created_at_idx on draft.media (created_at, id);
create index media_created_at_idx on live.media (created_at, id);

-- create index media_first_published_at_idx
create index media_first_published_at_idx on draft.media (first_published_at, id);
create index media_first_published_at_idx on live.media (first_published_at, id);

-- create index media_mime_type__contains
select listing.index_trigrams('media', 'media_mime_type__contains', 'mime_type');

-- create index media_mime_type__sort
create index media_mime_type__sort on draft.media ((sort.key(mime_type)) collate sort.und, id);
create index media_mime_type__sort on live.media ((sort.key(mime_type)) collate sort.und, id);

-- create index media_published_at_idx
create index media_published_at_idx on draft.media (published_at, id);
create index media_published_at_idx on live.media (published_at, id);

-- create index media_updated_at_idx
create index media_updated_at_idx on draft.media (updated_at, id);
create index media_updated_at_idx on live.media (updated_at, id);

-- create index media_url_key
create unique index media_url_key on draft.media (url);
create unique index media_url_key on live.media (url);

-- create index post_cover_id_idx
create index post_cover_id_idx on draft.post (cover_id, id);
create index post_cover_id_idx on live.post (cover_id, id);

-- create index post_created_at_idx
create index post_created_at_idx on draft.post (created_at, id);
create index post_created_at_idx on live.post (created_at, id);

-- create index post_featured_idx
create index post_featured_idx on draft.post (featured, id);
create index post_featured_idx on live.post (featured, id);

-- create index post_first_published_at_idx
create index post_first_published_at_idx on draft.post (first_published_at, id);
create index post_first_published_at_idx on live.post (first_published_at, id);

-- create index post_published_at_idx
create index post_published_at_idx on draft.post (published_at, id);
create index post_published_at_idx on live.post (published_at, id);

-- create index post_published_on_idx
create index post_published_on_idx on draft.post (published_on, id);
create index post_published_on_idx on live.post (published_on, id);

-- create index post_slug_key
create unique index post_slug_key on draft.post (slug);
create unique index post_slug_key on live.post (slug);

-- create index post_title__contains
select listing.index_trigrams('post', 'post_title__contains', 'title');

-- create index post_title__sort
create index post_title__sort on draft.post ((sort.key(title)) collate sort.und, id);
create index post_title__sort on live.post ((sort.key(title)) collate sort.und, id);

-- create index post_updated_at_idx
create index post_updated_at_idx on draft.post (updated_at, id);
create index post_updated_at_idx on live.post (updated_at, id);

-- create index post_about_category_id_owner_id_idx
create index post_about_category_id_owner_id_idx on draft.post_about (category_id, owner_id);
create index post_about_category_id_owner_id_idx on live.post_about (category_id, owner_id);

-- create index post_about_owner_id_category_id_key
create unique index post_about_owner_id_category_id_key on draft.post_about (owner_id, category_id);
create unique index post_about_owner_id_category_id_key on live.post_about (owner_id, category_id);

-- create index post_about_owner_id_product_id_key
create unique index post_about_owner_id_product_id_key on draft.post_about (owner_id, product_id);
create unique index post_about_owner_id_product_id_key on live.post_about (owner_id, product_id);

-- create index post_about_owner_id_service_id_key
create unique index post_about_owner_id_service_id_key on draft.post_about (owner_id, service_id);
create unique index post_about_owner_id_service_id_key on live.post_about (owner_id, service_id);

-- create index post_about_product_id_owner_id_idx
create index post_about_product_id_owner_id_idx on draft.post_about (product_id, owner_id);
create index post_about_product_id_owner_id_idx on live.post_about (product_id, owner_id);

-- create index post_about_service_id_owner_id_idx
create index post_about_service_id_owner_id_idx on draft.post_about (service_id, owner_id);
create index post_about_service_id_owner_id_idx on live.post_about (service_id, owner_id);

-- create index post_authors_target_id_owner_id_idx
create index post_authors_target_id_owner_id_idx on draft.post_authors (target_id, owner_id);
create index post_authors_target_id_owner_id_idx on live.post_authors (target_id, owner_id);

-- create index post_tags_target_id_owner_id_idx
create index post_tags_target_id_owner_id_idx on draft.post_tags (target_id, owner_id);
create index post_tags_target_id_owner_id_idx on live.post_tags (target_id, owner_id);

-- create index product_brand_id_created_at__list
create index product_brand_id_created_at__list on live.product (brand_id, created_at, id);

-- create index product_brand_id_created_at_idx
create index product_brand_id_created_at_idx on draft.product (brand_id, created_at desc);
create index product_brand_id_created_at_idx on live.product (brand_id, created_at desc);

-- create index product_brand_id_first_published_at__list
create index product_brand_id_first_published_at__list on live.product (brand_id, first_published_at, id);

-- create index product_brand_id_idx
create index product_brand_id_idx on draft.product (brand_id, id);
create index product_brand_id_idx on live.product (brand_id, id);

-- create index product_brand_id_name__list
create index product_brand_id_name__list on live.product (brand_id, (sort.key(name)) collate sort.und, id);

-- create index product_brand_id_price_currency_price__list
create index product_brand_id_price_currency_price__list on live.product (brand_id, price_currency collate "C", price, id);

-- create index product_brand_id_published_at__list
create index product_brand_id_published_at__list on live.product (brand_id, published_at, id);

-- create index product_brand_id_updated_at__list
create index product_brand_id_updated_at__list on live.product (brand_id, updated_at, id);

-- create index product_created_at_idx
create index product_created_at_idx on draft.product (created_at, id);
create index product_created_at_idx on live.product (created_at, id);

-- create index product_external_ref_key
create unique index product_external_ref_key on draft.product (external_ref);
create unique index product_external_ref_key on live.product (external_ref);

-- create index product_first_published_at_idx
create index product_first_published_at_idx on draft.product (first_published_at, id);
create index product_first_published_at_idx on live.product (first_published_at, id);

-- create index product_name__contains
select listing.index_trigrams('product', 'product_name__contains', 'name');

-- create index product_name__sort
create index product_name__sort on draft.product ((sort.key(name)) collate sort.und, id);
create index product_name__sort on live.product ((sort.key(name)) collate sort.und, id);

-- create index product_price__sort
create index product_price__sort on draft.product (price_currency collate "C", price, id);
create index product_price__sort on live.product (price_currency collate "C", price, id);

-- create index product_published_at_idx
create index product_published_at_idx on draft.product (published_at, id);
create index product_published_at_idx on live.product (published_at, id);

-- create index product_slug_key
create unique index product_slug_key on draft.product (slug);
create unique index product_slug_key on live.product (slug);

-- create index product_stock_status_idx
create index product_stock_status_idx on draft.product (stock_status, id);
create index product_stock_status_idx on live.product (stock_status, id);

-- create index product_updated_at_idx
create index product_updated_at_idx on draft.product (updated_at, id);
create index product_updated_at_idx on live.product (updated_at, id);

-- create index product_categories_target_id_owner_id_idx
create index product_categories_target_id_owner_id_idx on draft.product_categories (target_id, owner_id);
create index product_categories_target_id_owner_id_idx on live.product_categories (target_id, owner_id);

-- create index product_images_target_id_owner_id_idx
create index product_images_target_id_owner_id_idx on draft.product_images (target_id, owner_id);
create index product_images_target_id_owner_id_idx on live.product_images (target_id, owner_id);

-- create index product_related_target_id_owner_id_idx
create index product_related_target_id_owner_id_idx on draft.product_related (target_id, owner_id);
create index product_related_target_id_owner_id_idx on live.product_related (target_id, owner_id);

-- create index product_tags_target_id_owner_id_idx
create index product_tags_target_id_owner_id_idx on draft.product_tags (target_id, owner_id);
create index product_tags_target_id_owner_id_idx on live.product_tags (target_id, owner_id);

-- create index product_variant_image_id_idx
create index product_variant_image_id_idx on draft.product_variant (image_id, id);
create index product_variant_image_id_idx on live.product_variant (image_id, id);

-- create index product_variant_parent_id_position_idx
create index product_variant_parent_id_position_idx on draft.product_variant (parent_id, position);
create index product_variant_parent_id_position_idx on live.product_variant (parent_id, position);

-- create index product_variant_price__sort
create index product_variant_price__sort on draft.product_variant (price_currency collate "C", price, id);
create index product_variant_price__sort on live.product_variant (price_currency collate "C", price, id);

-- create index product_variant_sku_key
create unique index product_variant_sku_key on draft.product_variant (sku);
create unique index product_variant_sku_key on live.product_variant (sku);

-- create index product_variant_stock_status_idx
create index product_variant_stock_status_idx on draft.product_variant (stock_status, id);
create index product_variant_stock_status_idx on live.product_variant (stock_status, id);

-- create index service_created_at_idx
create index service_created_at_idx on draft.service (created_at, id);
create index service_created_at_idx on live.service (created_at, id);

-- create index service_duration_idx
create index service_duration_idx on draft.service (duration, id);
create index service_duration_idx on live.service (duration, id);

-- create index service_external_ref_key
create unique index service_external_ref_key on draft.service (external_ref);
create unique index service_external_ref_key on live.service (external_ref);

-- create index service_first_published_at_idx
create index service_first_published_at_idx on draft.service (first_published_at, id);
create index service_first_published_at_idx on live.service (first_published_at, id);

-- create index service_location_mode_idx
create index service_location_mode_idx on draft.service (location_mode, id);
create index service_location_mode_idx on live.service (location_mode, id);

-- create index service_name__contains
select listing.index_trigrams('service', 'service_name__contains', 'name');

-- create index service_name__sort
create index service_name__sort on draft.service ((sort.key(name)) collate sort.und, id);
create index service_name__sort on live.service ((sort.key(name)) collate sort.und, id);

-- create index service_price__sort
create index service_price__sort on draft.service (price_currency collate "C", price, id);
create index service_price__sort on live.service (price_currency collate "C", price, id);

-- create index service_price_unit_idx
create index service_price_unit_idx on draft.service (price_unit, id);
create index service_price_unit_idx on live.service (price_unit, id);

-- create index service_published_at_idx
create index service_published_at_idx on draft.service (published_at, id);
create index service_published_at_idx on live.service (published_at, id);

-- create index service_slug_key
create unique index service_slug_key on draft.service (slug);
create unique index service_slug_key on live.service (slug);

-- create index service_updated_at_idx
create index service_updated_at_idx on draft.service (updated_at, id);
create index service_updated_at_idx on live.service (updated_at, id);

-- create index service_categories_target_id_owner_id_idx
create index service_categories_target_id_owner_id_idx on draft.service_categories (target_id, owner_id);
create index service_categories_target_id_owner_id_idx on live.service_categories (target_id, owner_id);

-- create index service_images_target_id_owner_id_idx
create index service_images_target_id_owner_id_idx on draft.service_images (target_id, owner_id);
create index service_images_target_id_owner_id_idx on live.service_images (target_id, owner_id);

-- create index service_products_target_id_owner_id_idx
create index service_products_target_id_owner_id_idx on draft.service_products (target_id, owner_id);
create index service_products_target_id_owner_id_idx on live.service_products (target_id, owner_id);

-- create index service_tags_target_id_owner_id_idx
create index service_tags_target_id_owner_id_idx on draft.service_tags (target_id, owner_id);
create index service_tags_target_id_owner_id_idx on live.service_tags (target_id, owner_id);

-- create index tag_created_at_idx
create index tag_created_at_idx on draft.tag (created_at, id);
create index tag_created_at_idx on live.tag (created_at, id);

-- create index tag_first_published_at_idx
create index tag_first_published_at_idx on draft.tag (first_published_at, id);
create index tag_first_published_at_idx on live.tag (first_published_at, id);

-- create index tag_name__contains
select listing.index_trigrams('tag', 'tag_name__contains', 'name');

-- create index tag_name__sort
create index tag_name__sort on draft.tag ((sort.key(name)) collate sort.und, id);
create index tag_name__sort on live.tag ((sort.key(name)) collate sort.und, id);

-- create index tag_published_at_idx
create index tag_published_at_idx on draft.tag (published_at, id);
create index tag_published_at_idx on live.tag (published_at, id);

-- create index tag_slug_key
create unique index tag_slug_key on draft.tag (slug);
create unique index tag_slug_key on live.tag (slug);

-- create index tag_updated_at_idx
create index tag_updated_at_idx on draft.tag (updated_at, id);
create index tag_updated_at_idx on live.tag (updated_at, id);

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
