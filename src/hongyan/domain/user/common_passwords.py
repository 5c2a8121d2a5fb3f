"""The most common passwords that are long enough to be tried, Chinese and Western."""

_PASSWORDS = """
12345678 123456789 1234567890 01234567 012345678 0123456789 87654321 987654321 9876543210
123123123 12341234 11223344 1122334455 12121212 13131313 12344321 123454321 147258369 159357258
31415926 314159265 20002000 19901990 88888888 66666666 00000000 11111111 5201314520
52013145201314 1314520520 woaini1314 woaini520 woaini123 woaini521 aini1314 wodemima mima1234
a123456789 a12345678 aa123456 aa12345678 abc12345 abc123456 abc123abc abcd1234 abcde12345
abcdefgh abcdefg1 asdfghjk asdfghjkl asdf1234 asdfasdf asd123456 admin123 admin1234 admin12345
administrator baseball basketball batman123 blink182 babygirl butterfly changeme changeme1
changeme123 charlie1 chocolate computer computer1 corvette daniel123 dragon123 dearbook facebook
football football1 fuckyou1 football123 freedom1 friends1 guest1234 hello123 hello1234
helloworld iloveyou iloveyou1 iloveyou2 internet jennifer jordan23 letmein1 letmein123 liverpool
lovely123 login1234 master123 michelle midnight monkey123 mustang1 mynoob123 nintendo p@ssw0rd
p@ssword pa$$word pa55word passw0rd passw0rd1 password password! password01 password1 password1!
password12 password123 password1234 password2 password@123 passwort pokemon1 pokemon123 princess
princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qazwsx123 qq123456 qq123456789 qwer1234 qwer12345
qwerasdf qwert123 qwert12345 qwerty11 qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui
qwertyuiop qweasdzxc qweqweqwe qwe123456 root1234 samantha secret123 shadow123 sunshine
sunshine1 superman superman1 starwars starwars1 spiderman taobao123 test1234 test12345 testtest
trustno1 user1234 victoria welcome1 welcome123 welcome2 whatever woshishui wang1234 weixin123
xiaoming zaq12wsx zaq1zaq1 zhang123 zhangwei zxcvbnm1 zxcvbnm123 zxcvbnmm z1x2c3v4 1q2w3e4r
1q2w3e4r5t 1qaz2wsx 1qazxsw2 1qaz2wsx3edc 1q2w3e4r5t6y 123qweasd 123qwe123 123abc456 1234qwer
12345qwert 123456qwe 123456abc 123456789a 12345678a 1234567a 123456aa 1password hongyan1
hongyan123 hongyan1234
"""
COMMON_PASSWORDS = frozenset(_PASSWORDS.split())
