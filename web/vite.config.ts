import { defineConfig, loadEnv } from 'vite';

// `npm run dev` serves the sources and passes the API on to a running Takt.
const server = loadEnv('', '.', 'TAKT_')['TAKT_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // Everything stays a file of our own: the server's content policy allows no data: addresses.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': server, '/readyz': server } },
});
