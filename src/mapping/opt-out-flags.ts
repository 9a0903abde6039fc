/** Campaign's flags (campaign.md §4); `true` is "no longer contact". */
export const optOutFlags = [
  'blackList',
  'blackListEmail',
  'blackListFax',
  'blackListMobile',
  'blackListPhone',
  'blackListPostalMail',
  'blackListPushnotification',
  'ccpaOptOut',
] as const;
