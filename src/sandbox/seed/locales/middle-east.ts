import type { Locale } from '../locale.js';

const numberLast = (street: string, house: number): string => `${street} ${house}`;

export const MIDDLE_EAST: Locale[] = [
  {
    country: 'Turkey',
    weight: 4,
    women: ['Ayşe', 'Gülşah', 'İpek', 'Şükran', 'Çiğdem', 'Büşra'],
    men: ['İsmail', 'Oğuz', 'Çağrı', 'Şükrü', 'Ümit'],
    surnames: ['Yılmaz', 'Öztürk', 'Çelik', 'Şahin', 'Işık', 'Güneş', 'Ağaoğlu'],
    cities: [
      { name: 'İstanbul', postalCode: '34###', county: 'İstanbul' },
      { name: 'Iğdır', postalCode: '76###', county: 'Iğdır' },
      { name: 'Şanlıurfa', postalCode: '63###', county: 'Şanlıurfa' },
    ],
    streets: ['İstiklal Caddesi', 'Atatürk Bulvarı', 'Gül Sokağı'],
    addressLine: (street, house) => `${street} No:${house}`,
    phone: '+90 212 555 0# ##',
    mobile: '+90 501 555 0# ##',
  },
  {
    country: 'Saudi Arabia',
    weight: 3,
    women: ['فاطمة|Fatimah', 'عائشة|Aishah', 'نورة|Nourah', 'مريم|Maryam', 'هيفاء|Haifa'],
    men: ['محمد|Mohammed', 'عبد الله|Abdullah', 'خالد|Khalid', 'يوسف|Yousef', 'سلمان|Salman'],
    surnames: [
      'الأحمد|Al-Ahmad',
      'القحطاني|Al-Qahtani',
      'الغامدي|Al-Ghamdi',
      'بن سعيد|Bin-Saeed',
      'الشهري|Al-Shehri',
    ],
    cities: [
      { name: 'الرياض', postalCode: '11###' },
      { name: 'جدة', postalCode: '21###' },
    ],
    streets: ['شارع الملك فهد', 'طريق الأمير سلطان', 'شارع التحلية'],
    addressLine: numberLast,
    phone: '+966 11 555 0###',
    mobile: '+966 50 555 0###',
  },
  {
    country: 'Egypt',
    weight: 2,
    women: ['ياسمين|Yasmin', 'نجلاء|Naglaa', 'منى|Mona'],
    men: ['أحمد|Ahmed', 'مصطفى|Mostafa', 'عمرو|Amr'],
    surnames: ['حسن|Hassan', 'عبد الرحمن|Abdel-Rahman', 'السيد|El-Sayed'],
    cities: [
      { name: 'القاهرة', postalCode: '11###' },
      { name: 'الإسكندرية', postalCode: '21###' },
    ],
    streets: ['شارع التحرير', 'كورنيش النيل', 'شارع رمسيس'],
    addressLine: numberLast,
    phone: '+20 2 2555 0###',
    mobile: '+20 100 555 0###',
  },
  {
    country: 'Israel',
    weight: 2,
    women: ['שירה|Shira', 'תמר|Tamar', 'יעל|Yael', 'רבקה|Rivka'],
    men: ['יוסף|Yosef', 'איתן|Eitan', 'משה|Moshe', 'דוד|David'],
    surnames: ['כהן|Cohen', 'לוי|Levi', 'בן דוד|Ben-David', 'מזרחי|Mizrahi', 'פרץ|Peretz'],
    cities: [
      { name: 'תל אביב-יפו', postalCode: '61#####' },
      { name: 'באר שבע', postalCode: '84#####' },
    ],
    streets: ['רחוב הרצל', 'שדרות רוטשילד', 'דרך בגין'],
    addressLine: numberLast,
    phone: '+972 3 555 0###',
    mobile: '+972 50 555 0###',
  },
];
