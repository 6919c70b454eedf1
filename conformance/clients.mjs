// Two client libraries and a walk over pages, on a server that has the demo's content.
import { strict as assert } from 'node:assert';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { cacheExchange, createClient, fetchExchange } from '@urql/core';

const PRODUCTS = 'query Products($first: Int) { products(first: $first) { nodes { id name brand { id name } } totalCount } }';

export async function apollo(url, headers) {
  const client = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: new InMemoryCache() });
  const { data } = await client.query({ query: gql(PRODUCTS), variables: { first: 3 } });
  assert.equal(data.products.nodes.length, 3);
  const created = await client.mutate({ mutation: gql('mutation { createTag(input: { name: "Apollo" }) { id revision } }') });
  const { id, revision } = created.data.createTag;
  const remove = gql('mutation Remove($id: ID!, $revision: Int!) { deleteTag(id: $id, revision: $revision) }');
  assert.equal((await client.mutate({ mutation: remove, variables: { id, revision } })).data.deleteTag, id);
  const refused = await client.query({ query: gql('{ nothing }') }).catch((error) => error);
  assert.equal(refused.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
}

export async function urql(url, headers) {
  const exchanges = [cacheExchange, fetchExchange];
  const client = createClient({ url, exchanges, fetchOptions: { headers }, preferGetMethod: true });
  const page = await client.query(PRODUCTS, { first: 2 }).toPromise();
  assert.equal(page.data?.products.nodes.length, 2, page.error?.message);
  const wrong = await client.query('{ product(id: "nonsense") { id } }', {}).toPromise();
  assert.equal(wrong.error?.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
}

export async function walk(url) {
  const query = `query Page($after: String) {
    products(first: 6, after: $after, orderBy: [{ field: NAME }]) { edges { cursor node { id } } pageInfo { endCursor hasNextPage } totalCount }
  }`;
  const seen = [];
  let page = { pageInfo: { hasNextPage: true, endCursor: null } };
  while (page.pageInfo.hasNextPage) {
    const body = JSON.stringify({ query, variables: { after: page.pageInfo.endCursor } });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    page = (await answer.json()).data.products;
    assert.equal(page.edges.at(-1).cursor, page.pageInfo.endCursor);
    seen.push(...page.edges.map((edge) => edge.node.id));
  }
  assert.equal(seen.length, page.totalCount);
  assert.equal(new Set(seen).size, seen.length);
}
