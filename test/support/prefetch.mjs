// Downloads into the cache what the tests will need. Failures are silent: who needs the thing tells.
import { findMysqld } from './mysql-install.mjs';
import { findBrowser, findWorkbench } from './workbench-install.mjs';

const say = (text) => console.log(text);
await Promise.allSettled([findMysqld(say), findWorkbench(say), findBrowser(say)]);
process.exit();
