import type { CodegenConfig } from '@graphql-codegen/cli';

const scalars = { BigInt: 'string', Decimal: 'string', Date: 'string', Time: 'string', DateTime: 'string', Duration: 'string', JSON: 'unknown' };

const config: CodegenConfig = {
  schema: './made/schema.graphql',
  documents: ['typescript/*.ts'],
  generates: {
    './made/gql/': { preset: 'client', config: { strictScalars: true, useTypeImports: true, enumsAsTypes: true, scalars } },
  },
};

export default config;
