import { graphql } from 'relay-runtime';
export const card = graphql`fragment ListCard on Product { id name slug price { amount currency } tags(first: 3) { id name } related { id name } }`;
export const page = graphql`fragment List_query on Query @argumentDefinitions(first: {type: "Int", defaultValue: 6}, after: {type: "String"}) @refetchable(queryName: "ListPagination") { products(first: $first, after: $after, orderBy: [{field: NAME}]) @connection(key: "List_products") { edges { cursor node { ...ListCard } } pageInfo { endCursor hasNextPage } } }`;
export const query = graphql`query ListQuery { ...List_query bestOf(category: "coffee") { ...ListCard } }`;
export const node = graphql`query ListNodeQuery($id: ID!) { node(id: $id) { __typename id ... on Product { ...ListCard @alias(as: "card") body { __typename ... on Text { heading body } ... on Gallery { layout } } } } }`;
export const refetch = graphql`fragment ListRefetch on Product @refetchable(queryName: "ListRefetchQuery") { name variantsList: variants { id sku } }`;
export const mutation = graphql`mutation ListUpdateMutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!) { updateProduct(id: $id, revision: $revision, input: $input) { id ...ListCard } }`;
