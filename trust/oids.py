"""Every object identifier that Sceau writes or reads, once, with the text that defines it.

Owner and citation stand beside each constant. Our own policy identifiers are not here: they hang below the arc that the authority
configures (policies/oid-arc.md), never below an arc of the national infrastructure. Nothing is computed here.
"""

from __future__ import annotations

# --- Attributes of a distinguished name (ITU-T X.520; RFC 5280 appendix A.1) ----------------------------------------
COMMON_NAME = "2.5.4.3"  # X.520 §6.2.2; upper bound 64
SURNAME = "2.5.4.4"  # X.520 §6.2.3
COUNTRY = "2.5.4.6"  # X.520 §6.3.1; PrintableString of two letters
STATE = "2.5.4.8"  # X.520 §6.3.3; upper bound 128
ORGANISATION = "2.5.4.10"  # X.520 §6.4.1; upper bound 64
ORGANISATIONAL_UNIT = "2.5.4.11"  # X.520 §6.4.2; upper bound 64
TITLE = "2.5.4.12"  # X.520 §6.4.3; upper bound 64
GIVEN_NAME = "2.5.4.42"  # X.520 §6.2.4
ORGANISATION_IDENTIFIER = "2.5.4.97"  # X.520 §6.4.4; ETSI EN 319 412-1 §5.1.4

# --- Certificate extensions (RFC 5280 §4.2) -------------------------------------------------------------------------
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"  # RFC 5280 §4.2.1.2
KEY_USAGE = "2.5.29.15"  # RFC 5280 §4.2.1.3
PRIVATE_KEY_USAGE_PERIOD = "2.5.29.16"  # RFC 3280 §4.2.1.4 (RFC 5280 leaves it out; the national signature certificates carry it)
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"  # RFC 5280 §4.2.1.6
BASIC_CONSTRAINTS = "2.5.29.19"  # RFC 5280 §4.2.1.9
NAME_CONSTRAINTS = "2.5.29.30"  # RFC 5280 §4.2.1.10
CRL_DISTRIBUTION_POINTS = "2.5.29.31"  # RFC 5280 §4.2.1.13
CERTIFICATE_POLICIES = "2.5.29.32"  # RFC 5280 §4.2.1.4
POLICY_MAPPINGS = "2.5.29.33"  # RFC 5280 §4.2.1.5
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"  # RFC 5280 §4.2.1.1
POLICY_CONSTRAINTS = "2.5.29.36"  # RFC 5280 §4.2.1.11
EXTENDED_KEY_USAGE = "2.5.29.37"  # RFC 5280 §4.2.1.12
FRESHEST_CRL = "2.5.29.46"  # RFC 5280 §4.2.1.15
INHIBIT_ANY_POLICY = "2.5.29.54"  # RFC 5280 §4.2.1.14
AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1"  # RFC 5280 §4.2.2.1
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"  # RFC 6960 §4.2.2.2.1

# --- CRL and OCSP extensions ----------------------------------------------------------------------------------------
CRL_NUMBER = "2.5.29.20"  # RFC 5280 §5.2.3
REASON_CODE = "2.5.29.21"  # RFC 5280 §5.3.1
INVALIDITY_DATE = "2.5.29.24"  # RFC 5280 §5.3.2
DELTA_CRL_INDICATOR = "2.5.29.27"  # RFC 5280 §5.2.4
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"  # RFC 5280 §5.2.5
OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1"  # RFC 6960 §4.2.1
OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2"  # RFC 9654 §2.1
OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"  # RFC 6960 §4.4.4

# --- Access methods, policy qualifiers, name forms ------------------------------------------------------------------
ACCESS_OCSP = "1.3.6.1.5.5.7.48.1"  # RFC 5280 §4.2.2.1, id-ad-ocsp
ACCESS_CA_ISSUERS = "1.3.6.1.5.5.7.48.2"  # RFC 5280 §4.2.2.1, id-ad-caIssuers
QUALIFIER_CPS = "1.3.6.1.5.5.7.2.1"  # RFC 5280 §4.2.1.4, id-qt-cps
ANY_POLICY = "2.5.29.32.0"  # RFC 5280 §4.2.1.4
NAME_UPN = "1.3.6.1.4.1.311.20.2.3"  # Microsoft userPrincipalName: otherName holding a UTF8String

# --- Extended key usages --------------------------------------------------------------------------------------------
USAGE_SERVER_AUTH = "1.3.6.1.5.5.7.3.1"  # RFC 5280 §4.2.1.12
USAGE_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"  # RFC 5280 §4.2.1.12
USAGE_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"  # RFC 5280 §4.2.1.12
USAGE_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"  # RFC 3161 §2.3: alone and critical
USAGE_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"  # RFC 6960 §4.2.2.2
USAGE_SMARTCARD_LOGON = "1.3.6.1.4.1.311.20.2.2"  # Microsoft msSmartcardLogin

# --- Public keys and signatures -------------------------------------------------------------------------------------
KEY_RSA = "1.2.840.113549.1.1.1"  # RFC 3279 §2.3.1
KEY_EC = "1.2.840.10045.2.1"  # RFC 5480 §2.1.1
CURVE_P256 = "1.2.840.10045.3.1.7"  # RFC 5480 §2.1.1.1
CURVE_P384 = "1.3.132.0.34"  # RFC 5480 §2.1.1.1
ED25519 = "1.3.101.112"  # RFC 8410 §3: the key and its signature
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"  # RFC 4055 §5
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"  # RFC 5758 §3.2
ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3"  # RFC 5758 §3.2
ML_DSA_44 = "2.16.840.1.101.3.4.3.17"  # RFC 9881 §2: the key and its signature
ML_DSA_65 = "2.16.840.1.101.3.4.3.18"  # RFC 9881 §2
ML_DSA_87 = "2.16.840.1.101.3.4.3.19"  # RFC 9881 §2
SHA1 = "1.3.14.3.2.26"  # RFC 3279 §2.1: CertID of OCSP requests only
SHA256 = "2.16.840.1.101.3.4.2.1"  # RFC 5754 §2.2

# --- French health trust: private extensions of personal certificates (Agence du numérique en santé; measured on publ
PRODUCT_CATEGORY = "1.2.250.1.71.1.2.5"  # TRE_G01: OCTET STRING of one octet; 0x80 and above is test material
CARD_TYPE = "1.2.250.1.71.1.2.2"  # TRE_R87: INTEGER; 0 practitioner, 2 staff
PROFESSION = "1.2.250.1.71.1.2.7"  # TRE_G15: INTEGER, for instance 60 for a nurse

# --- French health trust: identifiers of people and structures (never certificate extensions) -----------------------
IDNAT_PS = "1.2.250.1.71.4.2.1"  # IdNat_PS: national identifier of a professional (TRE_G08 type digit, then the number)
IDNAT_STRUCT = "1.2.250.1.71.4.2.2"  # Struct_IdNat: national identifier of a structure
ORDRES = "1.2.250.1.213.1.6.1.70"  # TRE_R82: the seven ordres
SPECIALTIES = "1.2.250.1.71.4.2.5"  # savoir-faire
SECTORS = "1.2.250.1.71.4.2.4"  # secteur d'activité
