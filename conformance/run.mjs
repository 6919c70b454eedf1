// Everything of this folder, against a server that runs with the demo's content:
// TYPECASE_URL (http://127.0.0.1:4000/graphql) and TYPECASE_DEV_TOKEN say which.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { audit } from './audit.mjs';
import { apollo, urql, walk } from './clients.mjs';
import { graphiql } from './graphiql.mjs';
import { subscriptions } from './subscriptions.mjs';

const url = process.env.TYPECASE_URL ?? 'http://127.0.0.1:4000/graphql';
const headers = { authorization: `Bearer ${process.env.TYPECASE_DEV_TOKEN}` };

const program = (name, ...args) => () => {
  const ran = spawnSync('npx', ['--no-install', name, ...args], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stdout + ran.stderr);
};

// The order of the schema is the author's, so the linter's alphabet is left out.
const order = 'arguments-have-descriptions,defined-types-are-used,deprecations-have-a-reason,descriptions-are-capitalized,enum-values-all-caps,enum-values-have-descriptions,fields-are-camel-cased,fields-have-descriptions,input-object-values-are-camel-cased,input-object-values-have-descriptions,interface-fields-sorted-alphabetically,relay-connection-types-spec,relay-connection-arguments-spec,relay-page-info-spec,types-are-capitalized,types-have-descriptions';

// What speaks to the server comes first: the programs block this one for longer than a connection is kept open.
const steps = {
  'audit of GraphQL over HTTP': () => audit(url),
  'Apollo client': () => apollo(url, headers),
  urql: () => urql(url, headers),
  'every page once': () => walk(url),
  subscriptions: () => subscriptions(url, headers),
  'GraphiQL in a browser': () => graphiql(new URL('/graphiql', url).href),
  'relay compiler': program('relay-compiler', 'relay.config.json'),
  'TypeScript client is generated': program('graphql-codegen', '--config', 'codegen.ts'),
  'TypeScript client compiles': program('tsc', '--strict', '--noEmit', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', 'typescript/products.ts'),
  'graphql-eslint': program('eslint', 'made/schema.graphql'),
  'graphql-schema-linter': program('graphql-schema-linter', '--rules', order, 'made/schema.graphql'),
};

mkdirSync('made/relay', { recursive: true });
copyFileSync('../generated/schema.graphql', 'made/schema.graphql');
for (const [name, step] of Object.entries(steps)) {
  try {
    console.log(`ok    ${name}`, (await step()) ?? '');
  } catch (error) {
    console.log(`WRONG ${name}\n${error.stack ?? error}`);
    process.exitCode = 1;
  }
}
