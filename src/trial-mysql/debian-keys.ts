/**
 * The keys that sign Debian's package index: the signing subkeys (RSA, exponent 65537) of its automatic keys, from
 * Debian's package debian-archive-keyring. A new one comes with each release of Debian, and the older ones go on signing
 * for years: add the newest here when there is one.
 */
export const debianKeys: readonly { fingerprint: string; modulus: string }[] = [
  {
    // Debian 13, until 2035.
    fingerprint: 'B8E5F13176D2A7A75220028078DBA3BC47EF2265',
    modulus: [
      'soJ1ixqCJS83HZRqKj4pS7IEkG_zzeKcPqN1CTH5ljbR7pYVZv26UK_rrf-Dzq6dfZMWmFNLQeb3DzwM-T6RtNJMOO3ONlzt',
      'FgJ4KvmfHP1-6Q7tKaxok1x51n9KyDR15-NN0jexCEhgpUok4lO5fIzoQpVMt2W1TTGBRs1WuVXwUs6fIu0AXAB92EvhXRNb',
      '0ECN72dd09ubN54IU-gBwpk50kXR43RKCmPPxaU05S3Psd0N4uaqlGMMI_azndhbcmfqbnTiFvwkF9PjxnjUxpFZLg4ggPAe',
      'L82fJycjJ6EPAHgy7G_T1ZMzwi_TcLQdFq2reZnAKtNKEBg9yfDijbUR7se-nyAPzNVXpo8Smwu_ZJxnwmGjrcjQuzWrI3Cp',
      'ziS7suQ5TZ515F6ZkAjun9plnrbKu6lAGWltNru7EOEC7PsyvnMM-RXJ4uS6NBUX7FnSFRmCY7cWWWNC4e6kc2BEr_yiIcZ6',
      'vCIpvv67Vnx6z3KvYY8pBUN77WShXyIYQyTIOnDYfnr_iax2_tkXBJ6ILWMch5ofRG9Ikr2De1MYvIXP8HZp-vpfyf70q416',
      'zc_H_ZlLePDIy6ZLLDD1R3zNpj2i6KgSDT-80t7lS2eZmmFGkSQ05IO9nrPQxYPbdw8VUgsLD03rfDA0TwxBVe6tnA106h6F',
      'dCc62xXFgUM',
    ].join(''),
  },
  {
    // Debian 12, until 2031.
    fingerprint: '4CB50190207B4758A3F73A796ED0E7B82643E131',
    modulus: [
      '5SIpEu4Q1OzxuuLRebzk3VEgbot-hz6HtLe8H6G7ZAwsyrJvJVcs-wwIKPiJI-sxe6HDO7fD6zfG9HNnTUcORg3FTMXTRAtO',
      'vwXru_Jlp3Kx_2DK1gW5UmAxEHFEaWR7cjFPQuScAiU9fgPKzk_7pB05m2Sb0fw4RTMZeSQFAamJtjM0aPsggk5w1yLj0vgY',
      'z-TLOcMWdQHxB8cPukGP-bxqkYaZSO_A9Q6BW0UlHte59yUgeQkJ6jiX6mml15BODy5nZ6VYioQ0BnQJuPpYv7Lahb8OGWYO',
      '4UeSC9_-EqVxO1AwYgfbZk1AqON6oqhVOePYkXeBDLzElD72dz9hkPddEgMIq0y-zRkHHBaChgdjcTzNGET_LHKq4Bf-7wFN',
      'ohLg7fDm2XW2XoO_awg2NetvwVMBzB7i26jnG0mBKtiThJ1tQiiHYyCfbybDghq8_Qc0zdoVBr8WXpj9WQYsgKivVRN7f712',
      '9MAeSPDQtse6r2B5SK4OpHn6Fl35IEZMJ2KZl9MsLSxdrd1O8Xw2JLEHfJD_9NuWAmHgdLftDg4gxzZRZ5lRFOW8di_R8O0g',
      'pQJzqGXQind5oa15eA5XOtTbQJ5wcm1jbBSFyQTiXEyF9T2HXAQOwTwYHq6YAGFRC3q4WbpLIQFppqmgF5v_HIaEnlhHX5wV',
      'Kb7ZnYBvALc',
    ].join(''),
  },
];
