import type { Suggestion } from '../../components/combobox.js';
import { t } from '../../components/words.js';

/** Where Alibaba Cloud has Tablestore; a further one can be typed. Source: Alibaba Cloud, "Endpoints" of Tablestore. */
export function regions(): Suggestion[] {
  return [
    ['cn-hangzhou', t('Hangzhou')],
    ['cn-shanghai', t('Shanghai')],
    ['cn-qingdao', t('Qingdao')],
    ['cn-beijing', t('Beijing')],
    ['cn-zhangjiakou', t('Zhangjiakou')],
    ['cn-huhehaote', t('Hohhot')],
    ['cn-wulanchabu', t('Ulanqab')],
    ['cn-shenzhen', t('Shenzhen')],
    ['cn-guangzhou', t('Guangzhou')],
    ['cn-chengdu', t('Chengdu')],
    ['cn-hongkong', t('Hong Kong')],
    ['ap-northeast-1', t('Tokyo')],
    ['ap-southeast-1', t('Singapore')],
    ['ap-southeast-3', t('Kuala Lumpur')],
    ['ap-southeast-5', t('Jakarta')],
    ['ap-southeast-6', t('Manila')],
    ['ap-southeast-7', t('Bangkok')],
    ['eu-central-1', t('Frankfurt')],
    ['eu-west-1', t('London')],
    ['us-east-1', t('Virginia')],
    ['us-west-1', t('Silicon Valley')],
    ['me-east-1', t('Dubai')],
    ['me-central-1', t('Riyadh')],
  ];
}
