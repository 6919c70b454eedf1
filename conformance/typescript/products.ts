import { graphql } from '../made/gql';
import type { ResultOf } from '@graphql-typed-document-node/core';
export const List = graphql(`query Products($first: Int, $filter: ProductFilter) { products(first: $first, filter: $filter) { nodes { id name price { amount } stockStatus body { __typename ... on Text { heading } } attributes publishedAt } pageInfo { hasNextPage } } }`);
export const Create = graphql(`mutation Create($input: ProductCreateInput!) { createProduct(input: $input) { id revision } }`);
export function names(data: ResultOf<typeof List>): string[] { return data.products.nodes.map((p) => p.name + (p.price?.amount ?? '')); }
