import graphql from '@graphql-eslint/eslint-plugin';

// Plain lists are part of the API beside connections, what has no life of its own has no id, and lines of the audit log are not nodes.
const rules = {
  ...graphql.configs['flat/schema-recommended'].rules,
  ...graphql.configs['flat/schema-relay'].rules,
  '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
  '@graphql-eslint/strict-id-in-types': 'off',
};

export default [{
  files: ['made/schema.graphql'],
  languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: './made/schema.graphql', documents: './documents.graphql' } } },
  plugins: { '@graphql-eslint': graphql },
  rules,
}];
