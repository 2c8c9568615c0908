/** The pages of the console, made of the same parts as the report pages. Pure: what they show is given to them. */
export {
  consolePage,
  DONE,
  type Done,
  type Frame,
  fileAddress,
  PLACES,
  type Place,
  payoutAddress,
  REPORTS,
  type Shown,
  STYLE_PATH,
} from './console/frame.ts';
export { type HeldShown, heldPage } from './console/held.ts';
export { type Home, homePage } from './console/home.ts';
export { filesPage, machinesPage, needsPage, runsPage, type SearchFields, searchPage } from './console/lists.ts';
export { type PayoutShown, payoutPage } from './console/payout.ts';
export { CONSOLE_STYLE } from './console/style.ts';
export {
  explainPage,
  fileShownPage,
  problemPage,
  type ShownSetting,
  settingsPage,
  signedOutPage,
  signInPage,
} from './console/texts.ts';
