import { defineClientComponent, type EnhanceAppContext, withBase } from 'vitepress';
import theme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import './style.css';
import '../../playground/style.css';

const notFound = () =>
  h('main', { class: 'vp-doc not-found' }, [
    h('h1', 'This page does not exist'),
    h('p', [
      'The address may be misspelled. Search for what you need, or go to the ',
      h('a', { href: withBase('/') }, 'start page'),
      '.',
    ]),
  ]);

async function loadPlayground() {
  const { provideGlobals } = await import('../../playground/node/globals.js');
  provideGlobals();
  return import('../../playground/Playground.vue');
}

export default {
  extends: theme,
  enhanceApp({ app }: EnhanceAppContext) {
    // Loaded by its own page alone.
    app.component('Playground', defineClientComponent(loadPlayground));
  },
  Layout: () => h(theme.Layout, null, { 'not-found': notFound }),
};
