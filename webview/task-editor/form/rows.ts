import { Rows } from '../../components/rows.js';
import { form } from './styles.js';

/** Rows of the form's lists and grids. */
class FormRows extends Rows {
  static override styles = [Rows.styles, form];
}

customElements.define('rf-rows', FormRows);
