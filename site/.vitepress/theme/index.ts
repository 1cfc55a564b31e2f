import { withBase } from 'vitepress';
import theme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import './style.css';

const notFound = () =>
  h('main', { class: 'vp-doc not-found' }, [
    h('h1', 'This page does not exist'),
    h('p', [
      'The address may be misspelled. Search for what you need, or go to the ',
      h('a', { href: withBase('/') }, 'start page'),
      '.',
    ]),
  ]);

export default {
  extends: theme,
  Layout: () => h(theme.Layout, null, { 'not-found': notFound }),
};
